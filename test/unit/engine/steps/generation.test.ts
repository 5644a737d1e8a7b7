/**
 * @file Writing with a cache of keys and values against reading the whole text anew for each token: the same tokens, logits to 1e-5,
 * for prompts of different lengths side by side.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { decode, type Decoded } from '../../../../src-main/engine/recipes/decode.ts';
import { CACHE_STEP } from '../../../../src-main/engine/steps/key-value-cache.ts';
import { makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRun, type TinyRunOptions } from '../support/tiny-run.ts';
import { largestGap, logitsOf, makeBatch, makeExample } from '../support/tiny-steps.ts';

const VOCAB = 20;
const NEW_TOKENS = 12;

const place = await makeTestFolder();
const { dir: plain } = await writeRandomModel(place('plain'), { num_key_value_heads: 1 });
const { dir: tied } = await writeRandomModel(place('tied'), { tie_word_embeddings: true, attention_bias: true });

const { dir: long } = await writeRandomModel(place('long'), { max_position_embeddings: 256 });

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

async function openRun(options: Partial<TinyRunOptions>): Promise<TinyRun> {
  const run = await openTinyRun({ binding, dir: plain, mode: 'eager', ...options });
  onTestFinished(() => run.dispose());
  return run;
}

const largest = (logits: Float32Array): number => logits.indexOf(Math.max(...logits));
const PROMPTS = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9], [3, 2, 3]];

/** Logits of the next token after these ids, from a full forward pass. */
function nextLogits(run: TinyRun, ids: readonly number[]): Float32Array {
  const example = { ...makeExample(1, ids.length), inputIds: Int32Array.from(ids) };
  const logits = logitsOf(run, makeBatch([[example]], run.model.facts.maxPositions));
  return logits.slice((ids.length - 1) * VOCAB, ids.length * VOCAB);
}

interface Written {
  readonly decoded: Decoded[];
  /** Of each row, in order. */
  readonly logits: Float32Array[][];
}

async function write(
  { program, model }: TinyRun,
  prompts: number[][],
  {
    isEnd = () => false,
    maxNewTokens = NEW_TOKENS,
  }: { isEnd?: (token: number) => boolean; maxNewTokens?: number } = {},
): Promise<Written> {
  const logits: Float32Array[][] = prompts.map(() => []);
  const decoded = await decode({
    ...{ program, model, prompts, maxNewTokens, padTokenId: 0, isEnd },
    choose(row, index) {
      logits[index]!.push(row.slice());
      return largest(row);
    },
  });
  return { decoded, logits };
}

describe.each([
  { title: 'one key/value head', dir: plain, mode: 'eager' },
  { title: 'one key/value head, compiled', dir: plain, mode: 'compiled' },
  { title: 'tied head, biases', dir: tied, mode: 'eager' },
] as const)('$title', ({ dir, mode }) => {
  it('writes token for token what full forward passes give', async () => {
    const run = await openRun({ dir, mode });
    const { decoded, logits } = await write(run, PROMPTS);
    PROMPTS.forEach((prompt, row) => {
      const ids = [...prompt];
      decoded[row]!.tokens.forEach((token, index) => {
        const wanted = nextLogits(run, ids);
        expect(largestGap(logits[row]![index]!, wanted), `row ${row}, token ${index}`).toBeLessThan(1e-5);
        expect(token).toBe(largest(wanted));
        ids.push(token);
      });
      expect(decoded[row]).toMatchObject({ end: 'length', tokens: { length: NEW_TOKENS } });
    });
  });
});

it('writes in bf16 what full forward passes give, to its rounding', async () => {
  const run = await openRun({ mode: 'compiled', compute: 'bfloat16' });
  const { decoded, logits } = await write(run, PROMPTS);
  PROMPTS.forEach((prompt, row) =>
    decoded[row]!.tokens.forEach((_, index) => {
      const wanted = nextLogits(run, [...prompt, ...decoded[row]!.tokens.slice(0, index)]);
      expect(largestGap(logits[row]![index]!, wanted), `row ${row}, token ${index}`).toBeLessThan(0.02);
    }),
  );
});

describe.each(['eager', 'compiled'] as const)('more tokens than the cache has room for at first, %s', (mode) => {
  it('writes what full forward passes give, before and after room is added', async () => {
    const run = await openRun({ dir: long, mode });
    const prompts = [Array.from({ length: CACHE_STEP - 3 }, (_, index) => (7 * index) % VOCAB), [4, 2]];
    const { decoded, logits } = await write(run, prompts, { maxNewTokens: CACHE_STEP + 8 });
    for (const [row, prompt] of prompts.entries()) {
      const { tokens } = decoded[row]!;
      for (const index of [0, 1, 2, 3, 4, 5, CACHE_STEP + 2, CACHE_STEP + 3, CACHE_STEP + 4, CACHE_STEP + 7]) {
        const wanted = nextLogits(run, [...prompt, ...tokens.slice(0, index)]);
        expect(largestGap(logits[row]![index]!, wanted), `row ${row}, token ${index}`).toBeLessThan(1e-5);
        expect(tokens[index]).toBe(largest(wanted));
      }
    }
  });
});

describe('a row', () => {
  it('writes alone what it writes beside others, others that end early included', async () => {
    const run = await openRun({});
    const { decoded: together } = await write(run, PROMPTS);
    const stop = together[0]!.tokens[2]!;
    const { decoded: stopped } = await write(run, PROMPTS, { isEnd: (token) => token === stop });
    for (const [row, prompt] of PROMPTS.entries()) {
      const { decoded } = await write(run, [prompt]);
      expect(decoded[0]).toEqual(together[row]);
      const { tokens } = together[row]!;
      const end = tokens.indexOf(stop);
      const wanted = end < 0 ? { tokens, end: 'length' } : { tokens: tokens.slice(0, end + 1), end: 'stop' };
      expect(stopped[row]).toEqual(wanted);
    }
    expect(stopped.some(({ end }) => end === 'stop')).toBe(true);
  });

  it('ends where the model’s positions end', async () => {
    const run = await openRun({});
    const long = Array.from({ length: 28 }, (_, index) => index % VOCAB);
    const { decoded } = await write(run, [long, [1, 2]]);
    const { maxPositions } = run.model.facts;
    expect(decoded.map(({ tokens, end }) => [tokens.length, end])).toEqual([
      [maxPositions - long.length, 'context_full'],
      [NEW_TOKENS, 'length'],
    ]);
  });

  it('writes the same a second time: nothing stays in the cache', async () => {
    const run = await openRun({ mode: 'compiled' });
    const first = await write(run, PROMPTS);
    await write(run, [[7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]]);
    const alive = binding.getNumOfTensors();
    expect(await write(run, PROMPTS)).toEqual(first);
    expect(binding.getNumOfTensors()).toBe(alive);
  });
});
