/**
 * @file A table of loss traces as tests: the reference runs all its cases in one process first.
 */
import { beforeAll, expect, test } from 'vitest';
import { REFERENCE_TIMEOUT_MS, runReference, type ReferenceTrace } from './python.ts';
import { expectSameTrace, prepareTrace, type TraceCase } from './trace.ts';
import { makeWorkFolder } from './work-folder.ts';

const F32_TOLERANCE = { loss: 1e-4, gradNorm: 1e-3 };
const BF16_TOLERANCE = { loss: 2e-2, gradNorm: null };

/** One test per case: every step's loss, learning rate and (f32) gradient norm. */
export function testTraces(suite: string, cases: readonly TraceCase[]): void {
  const folder = makeWorkFolder(suite);
  const traces: ReferenceTrace[] = [];

  beforeAll(async () => {
    const tasks = cases.map((traceCase, index) => prepareTrace(folder, index, traceCase));
    const results = await runReference(folder, tasks.flat());
    let done = 0;
    for (const { length } of tasks) {
      done += length;
      traces.push(results[done - 1] as unknown as ReferenceTrace);
    }
  }, REFERENCE_TIMEOUT_MS);

  test.each(cases.map((traceCase, index) => ({ name: traceCase.name, traceCase, index })))(
    '$name',
    async ({ traceCase, index }) => {
      const reference = traces[index];
      expect(reference).toBeDefined();
      if (reference === undefined) return;
      const isF32 = (traceCase.quantization ?? 'none') === 'none';
      const tolerance = isF32 ? F32_TOLERANCE : BF16_TOLERANCE;
      await expectSameTrace(folder, index, traceCase, reference, tolerance);
    },
    120_000,
  );
}
