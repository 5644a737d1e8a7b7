/** @file Bounds on the shapes that a run's batches have. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { boundShapes } from '../../../../src-main/engine/recipes/batch-shapes.ts';
import { prepareRun } from '../../../../src-main/engine/recipes/prepare-run.ts';
import { parseRunConfig } from '../../../../src-shared/schema/run-config.ts';
import { writeTinyModel } from '../../../recipe/support/tiny-model.ts';
import { makeTestFolder } from '../peft/random-model.ts';

const place = await makeTestFolder();
await writeTinyModel(place('model'));

interface Course {
  readonly lengths: readonly number[];
  readonly steps: number;
  readonly accumulate?: number;
  readonly packing?: boolean;
  readonly chunks?: number;
  readonly isFused?: boolean;
}

async function shapesOf(course: Course) {
  const { lengths, steps, accumulate = 1, packing = false, chunks = 1, isFused = false } = course;
  const rows = lengths.map((length) => JSON.stringify({ input_ids: Array.from({ length }, (_, at) => 5 + (at % 20)) }));
  await writeFile(place('rows.jsonl'), rows.map((row) => `${row}\n`).join(''));
  const config = parseRunConfig({
    model: { path: place('model') },
    data: { train: place('rows.jsonl'), eval_fraction: 0, format: 'tokens', max_length: 256, packing },
    training: { per_device_train_batch_size: 2, gradient_accumulation_steps: accumulate, max_steps: steps },
  });
  const host = { bindingPath: null, now: () => 0, signal: new AbortController().signal, report: () => undefined };
  const run = await prepareRun({ host, config, resume: null }, null);
  await run.opened.folder.close();
  return boundShapes(run, { most: 400, chunks, isFused });
}

/** 8, 16, … 256. */
const EVERY_LENGTH = Array.from({ length: 32 }, (_, index) => 8 * (index + 1));
const ALIKE = Array.from({ length: 10 }, () => 200);

describe('shapes of batches', () => {
  it.each<[string, Course, { sizes: number; labels: number }]>([
    ['are one where all rows are alike', { lengths: ALIKE, steps: 50 }, { sizes: 1, labels: 1 }],
    ['are as many as lengths, rounded', { lengths: [...EVERY_LENGTH, 1, 99], steps: 1000 }, { sizes: 32, labels: 400 }],
    ['are fewer where steps fuse', { lengths: EVERY_LENGTH, steps: 1000, isFused: true }, { sizes: 24, labels: 29 }],
    ['are no more than batches', { lengths: EVERY_LENGTH, steps: 3, accumulate: 4 }, { sizes: 12, labels: 12 }],
    ['have labels filled up to pieces', { lengths: EVERY_LENGTH, steps: 1000, chunks: 8 }, { sizes: 32, labels: 50 }],
    ['differ in rows too where packed', { lengths: ALIKE, steps: 1000, packing: true }, { sizes: 2, labels: 400 }],
  ])('%s', async (_title, course, expected) => {
    expect(await shapesOf(course)).toEqual(expected);
  });
});
