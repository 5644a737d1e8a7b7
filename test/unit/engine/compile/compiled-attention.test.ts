/**
 * @file Attention in a graph, where on some processors one op multiplies queries and keys and adds the mask, against the formula in f64.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CompiledProgram } from '../../../../src-main/engine/compile/compiled-program.ts';
import { GraphRunner } from '../../../../src-main/engine/compile/graph-runner.ts';
import { symbol } from '../../../../src-main/engine/device/dim.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { headsFirst } from '../../../../src-main/engine/nn/batch.ts';
import { attention } from '../../../../src-main/engine/ops/attention.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { makeTensor } from '../../../../src-main/engine/ops/tensor.ts';
import { CASES, drawInputs, maskOf, shapesOf, written } from '../support/attention-cases.ts';
import { openBinding } from '../support/open-binding.ts';

/** A sum of a few numbers of size 1 whose scores were rounded to 8 digits. */
const TOLERANCE = { float32: 1e-5, bfloat16: 0.05 };

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

describe.each(CASES)('$title', (options) => {
  it.each(['float32', 'bfloat16'] as const)('gives in %s what the formula gives', (dtype) => {
    const shapes = shapesOf(options.sizes);
    const batch = symbol('batch');
    const open = ({ shape }: { shape: number[] }) => ({ dtype: 'float32' as const, shape: [batch, ...shape.slice(1)] });
    const program = new CompiledProgram(binding, {
      entries: [
        {
          name: 'attention',
          inputs: { q: open(shapes.q), k: open(shapes.k), v: open(shapes.v) },
          run(_, { q, k, v }) {
            const [queries, keys, values] = [q!, k!, v!].map((x) => headsFirst(raw.cast(x, dtype)));
            const known = raw.cast(maskOf(q!, options), dtype);
            const mask = { ...known, shape: known.shape.map((dim, axis) => (axis === 0 && dim !== 1 ? batch : dim)) };
            return { out: raw.cast(attention(queries!, keys!, values!, mask, options), 'float32') };
          },
        },
      ],
      groups: {},
    });
    onTestFinished(() => program.dispose());
    const inputs = drawInputs(options.sizes);
    const { out } = program.call('attention', { batch: options.sizes.batch }, inputs);
    written(options, inputs.q, inputs.k, inputs.v).forEach((value, at) => {
      expect(Math.abs(out![at]! - value), `value ${at}`).toBeLessThan(TOLERANCE[dtype]);
    });
  });
});

const SUMS = new Set(['float32'] as const);

describe('the product of queries and keys', () => {
  const opsWith = (options: ConstructorParameters<typeof GraphRunner>[0], softcap: number | null): string[] => {
    const graph = new GraphRunner(options);
    const shape = [2, 2, 3, 4];
    graph.traceEntry('entry', { x: { dtype: 'float32', shape } }, ({ x }) => {
      const value = makeTensor(graph, x!, 'float32', shape);
      const mask = raw.fill(graph, [1, 1, 3, 3], 0);
      return { out: attention(value, value, value, mask, { scale: 1, softcap }) };
    });
    return graph.nodes.map(({ op }) => op);
  };

  it('adds the mask itself where there is such an op', () => {
    expect(opsWith({ productSums: SUMS }, null)).toContain('_MklFusedBatchMatMulV2');
    expect(opsWith({ productSums: new Set(['bfloat16']) }, null)).not.toContain('_MklFusedBatchMatMulV2');
    expect(opsWith({}, null)).not.toContain('_MklFusedBatchMatMulV2');
  });

  it('stands alone where it is bent before the mask', () => {
    expect(opsWith({ productSums: SUMS }, 2)).not.toContain('_MklFusedBatchMatMulV2');
  });
});
