/**
 * @file Encoder-decoders: what must not change a step (packing, padding of either side, checkpoints, the compiled graph), and writing with
 * the source read once against full passes for each token. Losses and gradients agree to 1e-6 of the gradient's norm, logits to 1e-5.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Batch } from '../../../../src-main/engine/data/batches.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { loadWasmDevice } from '../../../../src-main/engine/device/wasm/wasm-device.ts';
import { decode, type Decoded } from '../../../../src-main/engine/recipes/decode.ts';
import { makeTestFolder, T5_CONFIG, T5_GATED, T5_SPREAD, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRun, type TinyRunOptions } from '../support/tiny-run.ts';
import { evaluate, largestGap, largestGapOf, logitsOf, makeBatch, makePair, trainStep } from '../support/tiny-steps.ts';

const TOLERANCE = 1e-6;
const VOCAB = 20;
const NEW_TOKENS = 12;

const place = await makeTestFolder();
const { dir: first } = await writeRandomModel(place('first'), T5_CONFIG, 'F32', T5_SPREAD);
const { dir: gated } = await writeRandomModel(
  place('gated'),
  { ...T5_CONFIG, ...T5_GATED, num_decoder_layers: 3 },
  'F32',
  T5_SPREAD,
);

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

async function openRun(options: Partial<TinyRunOptions> = {}): Promise<TinyRun> {
  const run = await openTinyRun({ binding, dir: first, mode: 'eager', ...options });
  onTestFinished(() => run.dispose());
  return run;
}

const [A, B, C, D] = [makePair(1, 9, 4), makePair(2, 5, 13), makePair(3, 12, 6), makePair(4, 7, 7)] as const;
const MODELS = [
  { title: 'T5, LoRA', dir: first, peft: {} },
  { title: 'T5 1.1, all weights', dir: gated, peft: { peft_type: 'NONE' } },
] as const;

describe.each(MODELS)('$title', ({ dir, peft }) => {
  /** One step of plain gradient descent at rate 1 moves every tensor by its gradient. */
  const stepped = async (rows: Parameters<typeof makeBatch>[0], options: Partial<TinyRunOptions> = {}) => {
    const run = await openRun({ dir, peft, optim: 'sgd', ...options });
    const { loss, gradNorm } = trainStep(run, [makeBatch(rows)], { learningRate: 1 });
    return { figures: [loss, gradNorm], tensors: run.tensors() };
  };

  it('learns from packed rows what it learns from rows of one example', async () => {
    const single = await stepped([[A], [B], [C], [D]]);
    const packed = await stepped([
      [B, C],
      [A, D],
    ]);
    expect(largestGap(packed.figures, single.figures)).toBeLessThan(TOLERANCE);
    expect(largestGapOf(packed.tensors, single.tensors)).toBeLessThan(TOLERANCE);
    const run = await openRun({ dir, peft });
    const joined = makeBatch([[B, C]]);
    const asOne = (segments: Int32Array) => segments.map((segment) => Math.min(1, segment));
    const seen = { ...joined, segmentIds: asOne(joined.segmentIds) };
    const written = { ...joined, decoder: { ...joined.decoder!, segmentIds: asOne(joined.decoder!.segmentIds) } };
    for (const mixed of [seen, written]) {
      expect(Math.abs(evaluate(run, mixed) - evaluate(run, joined))).toBeGreaterThan(1e-3);
    }
  });

  it('is not moved by padding on either side, nor by what stands in it', async () => {
    const run = await openRun({ dir, peft });
    const narrow = makeBatch([[A]]);
    const wide = makeBatch([[A], [makePair(9, 23, 19)]]);
    const noise = (ids: Int32Array, segments: Int32Array) =>
      ids.map((id, at) => (segments[at] === 0 ? (at % (VOCAB - 1)) + 1 : id));
    const noisy: Batch = {
      ...wide,
      inputIds: noise(wide.inputIds, wide.segmentIds),
      decoder: { ...wide.decoder!, inputIds: noise(wide.decoder!.inputIds, wide.decoder!.segmentIds) },
    };
    const own = A.decoderIds!.length * VOCAB;
    const [alone, beside, amidst] = [narrow, wide, noisy].map((batch) => logitsOf(run, batch).slice(0, own));
    expect(largestGap(beside!, alone!)).toBeLessThan(1e-5);
    expect(largestGap(amidst!, alone!)).toBeLessThan(1e-5);
  });

  it('does the same with checkpoints, in pieces and compiled', async () => {
    const reference = await stepped([[A, B], [C]]);
    for (const options of [
      { checkpointing: true },
      { chunks: 7 },
      { mode: 'compiled', checkpointing: true },
    ] as const) {
      const other = await stepped([[A, B], [C]], options);
      expect(largestGap(other.figures, reference.figures)).toBeLessThan(TOLERANCE * reference.figures[1]!);
      expect(largestGapOf(other.tensors, reference.tensors)).toBeLessThan(TOLERANCE * reference.figures[1]!);
    }
  });
});

it('one graph serves every length of source and answer', async () => {
  const [eager, compiled] = [await openRun(), await openRun({ mode: 'compiled' })];
  const batches = [[[A], [B]], [[makePair(5, 24, 3)]], [[makePair(6, 1, 17)], [C], [D]]].map((rows) => makeBatch(rows));
  for (const [step, batch] of batches.entries()) {
    const figures = [eager, compiled].map((run) => {
      const { loss, gradNorm } = trainStep(run, [batch], { step: step + 1 });
      return [loss, gradNorm, evaluate(run, batch), ...logitsOf(run, batch)];
    });
    expect(largestGap(figures[1]!, figures[0]!)).toBeLessThan(1e-5);
  }
  expect(largestGapOf(compiled.tensors(), eager.tensors())).toBeLessThan(TOLERANCE);
});

it('trains in bf16 close to f32', async () => {
  const [wide, narrow] = [await openRun(), await openRun({ compute: 'bfloat16' })];
  for (let step = 1; step <= 3; step += 1) {
    const [exact, rounded] = [wide, narrow].map((run) => trainStep(run, [makeBatch([[A], [B, C]])], { step }));
    expect(Math.abs(rounded!.loss - exact!.loss)).toBeLessThan(2e-2);
  }
});

it('trains and writes on the wasm engine as on TensorFlow’s', async () => {
  const device = await loadWasmDevice();
  const [wasm, native] = [await openRun({ device }), await openRun()];
  const batch = makeBatch([[A, B], [C]]);
  const figures = [wasm, native].map((run) => Object.values(trainStep(run, [batch])) as number[]);
  expect(largestGap(figures[0]!, figures[1]!)).toBeLessThan(1e-4);
  expect(await write(wasm, PROMPTS)).toEqual(await write(native, PROMPTS));
});

const PROMPTS = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8], [3, 2, 3]];
const largest = (logits: Float32Array): number => logits.indexOf(Math.max(...logits));

async function write({ program, model }: TinyRun, prompts: number[][], isEnd = (_token: number) => false) {
  const setting = { program, model, prompts, maxNewTokens: NEW_TOKENS, padTokenId: 0, isEnd };
  return decode({ ...setting, choose: largest });
}

/** Token after what was written, from a full pass. */
function nextToken(run: TinyRun, source: readonly number[], written: readonly number[]): number {
  const decoderIds = Int32Array.from([...written, 0]);
  const example = { ...makePair(1, source.length, 1), inputIds: Int32Array.from(source), decoderIds };
  const logits = logitsOf(run, makeBatch([[example]]));
  return largest(logits.slice(written.length * VOCAB, (written.length + 1) * VOCAB));
}

describe.each([
  { title: 'T5', dir: first, mode: 'eager' },
  { title: 'T5 1.1, compiled', dir: gated, mode: 'compiled' },
] as const)('writing: $title', ({ dir, mode }) => {
  it('gives token for token what full passes give, beside others and alone', async () => {
    const run = await openRun({ dir, mode });
    const together = await write(run, PROMPTS);
    for (const [row, prompt] of PROMPTS.entries()) {
      const { tokens } = together[row]!;
      expect(tokens).toHaveLength(NEW_TOKENS);
      tokens.forEach((token, index) => expect(token).toBe(nextToken(run, prompt, tokens.slice(0, index))));
      expect(await write(run, [prompt])).toEqual([together[row]]);
    }
  });

  it('goes on beside rows that have ended, and starts anew with the next prompts', async () => {
    const run = await openRun({ dir, mode });
    const together = await write(run, PROMPTS);
    const stop = together[0]!.tokens[2]!;
    const stopped = await write(run, PROMPTS, (token) => token === stop);
    const wanted = together.map(({ tokens, end }): Decoded => {
      const at = tokens.indexOf(stop);
      return at < 0 ? { tokens, end } : { tokens: tokens.slice(0, at + 1), end: 'stop' };
    });
    expect(stopped).toEqual(wanted);
    const alive = binding.getNumOfTensors();
    expect(await write(run, PROMPTS)).toEqual(together);
    expect(binding.getNumOfTensors()).toBe(alive);
  });
});
