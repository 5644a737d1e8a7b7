/**
 * @file What must not change a training step: packing, padding, how a batch is cut, checkpoints, seeds without dropout; and what must.
 * Losses agree to 1e-6, gradients to 1e-6 of their norm.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRun, type TinyRunOptions } from '../support/tiny-run.ts';
import {
  evaluate,
  largestGap,
  largestGapOf,
  logitsOf,
  makeBatch,
  makeExample,
  trainStep,
} from '../support/tiny-steps.ts';

const TOLERANCE = 1e-6;
const VOCAB = 20;

const place = await makeTestFolder();
const { dir: plain } = await writeRandomModel(place('plain'));
const { dir: tied } = await writeRandomModel(place('tied'), { tie_word_embeddings: true, attention_bias: true });
const LONG_ROPE = {
  rope_type: 'longrope',
  short_factor: [1, 1],
  long_factor: [3, 5],
  original_max_position_embeddings: 16,
};
const { dir: longRope } = await writeRandomModel(place('longrope'), { rope_scaling: LONG_ROPE, rope_theta: 100 });

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

async function openRun(options: Partial<TinyRunOptions> = {}): Promise<TinyRun> {
  const run = await openTinyRun({ binding, dir: plain, mode: 'eager', ...options });
  onTestFinished(() => run.dispose());
  return run;
}

/** One step of plain gradient descent at rate 1 moves every tensor by its gradient. */
const DESCENT = { optim: 'sgd' } as const;
const AT_RATE_1 = { learningRate: 1 } as const;

const EXAMPLES = [makeExample(1, 9), makeExample(2, 5), makeExample(3, 12), makeExample(4, 7)] as const;
const [A, B, C, D] = EXAMPLES;

const MODELS = [
  { title: 'LoRA', dir: plain },
  { title: 'all weights, tied', dir: tied, peft: { peft_type: 'NONE' } },
] as const;

describe.each(MODELS)('$title', ({ dir, ...rest }) => {
  const peft = 'peft' in rest ? rest.peft : {};
  const stepped = async (rows: Parameters<typeof makeBatch>[0], options: Partial<TinyRunOptions> = {}) => {
    const run = await openRun({ dir, peft, ...DESCENT, ...options });
    const figures = trainStep(run, [makeBatch(rows)], AT_RATE_1);
    return { ...figures, tensors: run.tensors() };
  };

  it('learns from packed rows what it learns from rows of one example', async () => {
    const single = await stepped([[A], [B], [C], [D]]);
    const packed = await stepped([
      [B, C],
      [A, D],
    ]);
    expect(largestGap([packed.loss, packed.gradNorm], [single.loss, single.gradNorm])).toBeLessThan(TOLERANCE);
    expect(largestGapOf(packed.tensors, single.tensors)).toBeLessThan(TOLERANCE);
    // In one row under one number the examples would see each other.
    const joined = makeBatch([[B, C]]);
    const run = await openRun({ dir, peft });
    const mixed = evaluate(run, { ...joined, segmentIds: joined.segmentIds.map((segment) => Math.min(1, segment)) });
    expect(Math.abs(mixed - evaluate(run, joined))).toBeGreaterThan(1e-3);
  });

  it('is not moved by padding, nor by what stands in it', async () => {
    const run = await openRun({ dir, peft, ...DESCENT });
    const narrow = makeBatch([[A]]);
    const wide = makeBatch([[A], [makeExample(9, 23)]]);
    const alone = {
      ...wide,
      labelPositions: wide.labelPositions.subarray(0, narrow.labelPositions.length),
      labelIds: wide.labelIds.subarray(0, narrow.labelIds.length),
    };
    const noisy = { ...alone, inputIds: alone.inputIds.map((id, at) => (wide.segmentIds[at] === 0 ? at % VOCAB : id)) };
    const losses = [narrow, alone, noisy].map((batch) => evaluate(run, batch));
    expect(largestGap(losses, [losses[0]!, losses[0]!, losses[0]!])).toBeLessThan(TOLERANCE);
    expect(wide.seq).toBeGreaterThan(narrow.seq);
    const own = A.inputIds.length * VOCAB;
    expect(largestGap(logitsOf(run, noisy).subarray(0, own), logitsOf(run, narrow).subarray(0, own))).toBeLessThan(
      1e-5,
    );
  });

  it('adds up gradients to those of one large batch', async () => {
    const large = await stepped([[A], [B], [C], [D]]);
    const run = await openRun({ dir, peft, ...DESCENT, accumulate: true });
    // Batches of different numbers of labels: the mean is over all labels, not over batches.
    const batches = [makeBatch([[A], [B], [C]]), makeBatch([[D]])];
    for (const learningRate of [0, 1]) {
      // Twice: the sums start anew.
      const { loss, gradNorm } = trainStep(run, batches, { learningRate });
      expect(largestGap([loss, gradNorm], [large.loss, large.gradNorm])).toBeLessThan(TOLERANCE * 2);
    }
    expect(largestGapOf(run.tensors(), large.tensors)).toBeLessThan(TOLERANCE);
  });

  it('does the same with checkpoints, and with the loss in any number of pieces', async () => {
    const reference = await stepped([[A, B], [C]]);
    for (const options of [{ checkpointing: true }, { chunks: 1 }, { chunks: 7 }]) {
      const other = await stepped([[A, B], [C]], options);
      expect(largestGap([other.loss, other.gradNorm], [reference.loss, reference.gradNorm])).toBeLessThan(TOLERANCE);
      expect(largestGapOf(other.tensors, reference.tensors)).toBeLessThan(TOLERANCE);
    }
  });
});

describe('rotary scalings that depend on the length', () => {
  it('go by the longest example, not by the row it is packed in', async () => {
    const run = await openRun({ dir: longRope });
    const [single, packed] = [makeBatch([[A], [C]]), makeBatch([[A, C]])];
    expect(single.seq).toBe(LONG_ROPE.original_max_position_embeddings);
    expect(packed.seq).toBeGreaterThan(single.seq);
    expect(largestGap([evaluate(run, packed)], [evaluate(run, single)])).toBeLessThan(TOLERANCE);
  });

  it('change with an example that is longer than the original length', async () => {
    const run = await openRun({ dir: longRope });
    const long = makeExample(5, 18);
    const cut = { ...long, inputIds: long.inputIds.subarray(0, 16), labels: long.labels.subarray(0, 16) };
    const [whole, part] = [long, cut].map((example) => logitsOf(run, makeBatch([[example]])).subarray(0, 16 * VOCAB));
    expect(largestGap(whole!, part!)).toBeGreaterThan(1e-3);
  });
});
