/**
 * @file When the batches of a run are cut into shards: one a core, on a processor, where there are rows for all and little of the model is trained.
 */
import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { planMemory } from '../../../../src-main/engine/recipes/choose-execution.ts';
import { chooseShards } from '../../../../src-main/engine/recipes/choose-shards.ts';
import { prepareRun, type PreparedRun } from '../../../../src-main/engine/recipes/prepare-run.ts';
import { resumedShards } from '../../../../src-main/engine/recipes/resume-run.ts';
import type { RunState } from '../../../../src-main/engine/recipes/run-progress.ts';
import { parseRunConfig } from '../../../../src-shared/schema/run-config.ts';
import { writeTinyModel } from '../../../recipe/support/tiny-model.ts';
import { makeTestFolder } from '../peft/random-model.ts';

const place = await makeTestFolder();
await writeTinyModel(place('model'));
await writeFile(
  place('rows.jsonl'),
  Array.from({ length: 8 }, (_, row) => `${JSON.stringify({ input_ids: [5, 6, 7, 8 + row] })}\n`).join(''),
);
afterEach(() => void vi.unstubAllEnvs());

interface Course {
  readonly rows?: number;
  readonly threads?: number;
  readonly peft?: object;
  readonly method?: string;
  readonly changes?: object;
}

async function shardsOf({ rows = 4, threads = 2, peft = { r: 2 }, method = 'none', changes = {} }: Course) {
  const config = parseRunConfig({
    model: { path: place('model') },
    data: { train: place('rows.jsonl'), eval_fraction: 0, format: 'tokens' },
    quantization: { method },
    peft,
    training: { per_device_train_batch_size: rows, max_steps: 2 },
  });
  const host = {
    bindingPath: '/a/binding',
    now: () => 0,
    signal: new AbortController().signal,
    report: () => undefined,
  };
  const run = { ...(await prepareRun({ host, config, resume: null }, null)), cardBytes: null, ...changes };
  await run.opened.folder.close();
  return chooseShards(run, planMemory(run), threads);
}

describe('the shards of a run', () => {
  it.each<[string, Course, number]>([
    ['as many as cores', {}, 2],
    ['as many as cores, four of them', { threads: 4 }, 4],
    ['none on one core', { threads: 1 }, 1],
    ['none where cores outnumber rows', { threads: 4, rows: 3 }, 1],
    ['none for more cores than were tried', { threads: 16, rows: 16 }, 1],
    ['none where all weights are trained', { peft: { peft_type: 'NONE' } }, 1],
    ['none on a card', { changes: { cardBytes: 24e9 } }, 1],
    ['none without TensorFlow', { changes: { isWasm: true } }, 1],
  ])('are %s', async (_title, course, expected) => {
    expect(await shardsOf(course)).toBe(expected);
  });

  it('stay as they were in a resumed run, unless its batches have fewer rows now', () => {
    const resumed = (rows: number) =>
      resumedShards(
        { config: { training: { per_device_train_batch_size: rows } } } as PreparedRun,
        { execution: { shards: 2 } } as RunState,
      );
    expect([1, 2, 4].map(resumed)).toEqual([1, 2, 2]);
  });

  it('are those of other weights where copies of quantized ones are kept, and none where they are expanded in every step', async () => {
    vi.stubEnv('TUNESMITH_WEIGHT_CACHE_MB', '1000');
    expect(await shardsOf({ method: 'nf4' })).toBe(2);
    vi.stubEnv('TUNESMITH_WEIGHT_CACHE_MB', '0');
    expect(await shardsOf({ method: 'nf4' })).toBe(1);
  });
});
