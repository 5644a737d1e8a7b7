/**
 * @file When a run's steps fuse: where few sizes of batch come often enough to be worth their kernels, on the processor, in a graph. What a
 * person asks for by the environment variable goes before that.
 */
import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ModelFacts } from '../../../../src-main/engine/models/model.ts';
import { fusesChains, gainOf } from '../../../../src-main/engine/recipes/fuse-chains.ts';
import { prepareRun, type PreparedRun } from '../../../../src-main/engine/recipes/prepare-run.ts';
import { parseRunConfig } from '../../../../src-shared/schema/run-config.ts';
import { writeTinyModel } from '../../../recipe/support/tiny-model.ts';
import { makeTestFolder } from '../peft/random-model.ts';

const place = await makeTestFolder();
await writeTinyModel(place('model'), { config: { max_position_embeddings: 4096 } });
afterEach(() => void vi.unstubAllEnvs());

/** The shape of SmolLM2-135M. */
const LARGE = { layers: 30, hiddenSize: 576, intermediateSize: 1536 };

interface Course {
  readonly lengths: readonly number[];
  readonly steps: number;
  /** Gradients that are added up a step. */
  readonly accumulate?: number;
  readonly packing?: boolean;
  /** Of the model; of the size of SmolLM2-135M where left out. */
  readonly facts?: Partial<ModelFacts>;
}

/** A run of batches of two rows in their order. */
async function prepare({ lengths, steps, accumulate = 1, packing = false, facts = LARGE }: Course) {
  const rows = lengths.map((length) => JSON.stringify({ input_ids: Array.from({ length }, (_, at) => 5 + (at % 20)) }));
  await writeFile(place('rows.jsonl'), rows.map((row) => `${row}\n`).join(''));
  const config = parseRunConfig({
    model: { path: place('model') },
    data: { train: place('rows.jsonl'), eval_fraction: 0, format: 'tokens', max_length: 4096, packing, shuffle: false },
    training: { per_device_train_batch_size: 2, gradient_accumulation_steps: accumulate, max_steps: steps },
  });
  const host = { bindingPath: null, now: () => 0, signal: new AbortController().signal, report: () => undefined };
  const run = await prepareRun({ host, config, resume: null }, null);
  await run.opened.folder.close();
  const { model } = run.opened;
  const larger = { ...model, facts: { ...model.facts, ...facts } };
  return { ...run, opened: { ...run.opened, model: larger } } as PreparedRun;
}

const ONE_SIZE = Array.from({ length: 40 }, () => 250);
/** Two rows of each length: 32 lengths, of which rounding up leaves 24, and up to 4096 tokens, of which it leaves 48. */
const MANY_SIZES = Array.from({ length: 64 }, (_, index) => 8 * (1 + (index >> 1)));
const FAR_APART = Array.from({ length: 512 }, (_, index) => 16 * (1 + (index >> 1)));

describe('whether a run fuses', () => {
  it.each<[string, Course, boolean]>([
    ['many steps of one size', { lengths: ONE_SIZE, steps: 400 }, true],
    ['many steps of one size, several a step of the optimizer', { lengths: ONE_SIZE, steps: 40, accumulate: 10 }, true],
    ['few steps of one size', { lengths: ONE_SIZE, steps: 2 }, false],
    ['few steps of many sizes', { lengths: MANY_SIZES, steps: 32 }, false],
    ['so many steps that each of many sizes comes often', { lengths: MANY_SIZES, steps: 4000 }, true],
    ['sizes so many that their kernels would fill the memory', { lengths: FAR_APART, steps: 100_000 }, false],
    ['rows packed to one size', { lengths: MANY_SIZES, steps: 400, packing: true }, true],
    [
      'a model so small that starting kernels costs more than they save',
      { lengths: ONE_SIZE, steps: 100_000, facts: { layers: 2, hiddenSize: 16, intermediateSize: 32 } },
      false,
    ],
  ])('%s', async (_title, course, expected) => {
    expect(fusesChains(await prepare(course), 'compiled', false)).toBe(expected);
  });

  it('never op by op nor on a graphics card, even if asked for', async () => {
    const run = await prepare({ lengths: ONE_SIZE, steps: 400 });
    for (const asked of ['', 'fused']) {
      vi.stubEnv('TUNESMITH_EXECUTION', asked);
      expect(fusesChains(run, 'eager', false)).toBe(false);
      expect(fusesChains(run, 'compiled', true)).toBe(false);
    }
  });

  it('as the environment variable says, where it says so', async () => {
    const often = await prepare({ lengths: ONE_SIZE, steps: 400 });
    const seldom = await prepare({ lengths: ONE_SIZE, steps: 2 });
    const chosen = (asked: string) => {
      vi.stubEnv('TUNESMITH_EXECUTION', asked);
      return [often, seldom].map((run) => fusesChains(run, 'compiled', false));
    };
    expect(chosen('fused')).toEqual([true, true]);
    expect(chosen('plain')).toEqual([false, false]);
    expect(chosen('eager')).toEqual([true, false]);
    expect(chosen('')).toEqual([true, false]);
  });
});

describe('what fusing saves', () => {
  const facts = (changes: Partial<ModelFacts> = {}) => ({ ...LARGE, ...changes }) as ModelFacts;

  it('grows with tokens and with the widths of a model, and as the number of its layers', () => {
    const gain = gainOf(facts(), 1024);
    expect(gain).toBeGreaterThan(0);
    expect(gainOf(facts({ layers: 60 }), 1024)).toBeCloseTo(2 * gain, 12);
    expect(gainOf(facts({ hiddenSize: 577 }), 1024)).toBeGreaterThan(gain);
    expect(gainOf(facts({ intermediateSize: 1537 }), 1024)).toBeGreaterThan(gain);
    const [first, second, third] = [1024, 1025, 1026].map((tokens) => gainOf(facts(), tokens)) as [
      number,
      number,
      number,
    ];
    expect(second).toBeGreaterThan(first);
    expect(third - second).toBeCloseTo(second - first, 12);
  });

  it('is less than nothing where there is next to nothing to read', () => {
    expect(gainOf(facts(), 1)).toBeLessThan(0);
    expect(gainOf(facts({ hiddenSize: 16, intermediateSize: 32 }), 512)).toBeLessThan(0);
  });
});
