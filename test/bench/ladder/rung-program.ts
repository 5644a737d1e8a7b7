/**
 * @file A program of its own: some steps of one rung. `rung-program.ts SPEC.json` prints one JSON line per counted step.
 */
import { readFileSync } from 'node:fs';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import { openStepSession } from '../step-session.ts';
import type { RungSettings } from './rungs.ts';

export interface RungSpec {
  readonly bindingPath: string;
  readonly config: RunConfig;
  readonly settings: RungSettings;
  readonly steps: number;
}

/** The longest rows may come later; the heap and the caches have grown by then. */
const WARM_UP = 2;

const { bindingPath, config, settings, steps } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as RungSpec;
const { mode, checkpointing, chunks, copies, fused, shards } = settings;
const opened = await openStepSession({
  config,
  bindingPath,
  execution: {
    ...{ mode, checkpointing, kept_bytes: copies ? Infinity : 0 },
    ...(chunks !== null && { chunks }),
    ...(fused !== null && { fused }),
    ...(shards !== null && { shards }),
  },
});
const { program, steps: entries } = opened.session;
const { fuses } = program;
if (fused && mode === 'compiled' && !fuses) throw new Error('the step does not fuse on this machine');
const known = new Set<string>();
for (let step = 1; step <= WARM_UP + steps; step += 1) {
  const batch = opened.nextBatch();
  const sizes = JSON.stringify(entries.train.arrays(batch, 1).sizes);
  // Their kernels are compiled once: in ten steps that would be most of the time, in a run it is next to nothing.
  if (fuses && !known.has(sizes)) opened.train(batch, step);
  known.add(sizes);
  const start = performance.now();
  const { loss } = opened.train(batch, step);
  const ms = performance.now() - start;
  const { tokens, labelIds } = batch;
  if (step > WARM_UP) process.stdout.write(`${JSON.stringify({ ms, tokens, labels: labelIds.length, loss })}\n`);
}
opened.session.dispose();
