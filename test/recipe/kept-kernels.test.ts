/**
 * @file Compiled kernels are kept for later runs: the same sizes compile nothing, damaged files are made anew, and where that comes to light
 * in the middle of a run, it says so, and they are gone.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tensorFlowPath } from '../support/tensorflow.ts';
import { REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let folder = '';
const place = (name: string) => path.join(folder, name);
const kernels = () => place('kernels');
const options = () => ({
  ...{ home: place('home'), main: REAL_MAIN },
  env: { TUNESMITH_EXECUTION: 'fused', TUNESMITH_KERNEL_CACHE: kernels() },
});

beforeAll(async () => {
  // Other engines fuse nothing.
  await tensorFlowPath();
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-kept-kernels-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(40));
  const { code, stderr } = await train('first');
  expect([code, stderr]).toEqual([0, '']);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(output: string, batch = 4) {
  const settings = { max_steps: 6, save_steps: 3, logging_steps: 1, seed: 7, per_device_train_batch_size: batch };
  return runCliToEnd(
    [
      ...['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place(output), '--json'],
      ...['--set', 'data.eval_fraction=0', '--set', 'data.packing=false'],
      ...Object.entries(settings).flatMap(([name, value]) => ['--set', `training.${name}=${value}`]),
    ],
    options(),
  );
}

const adapterOf = (run: string) => readFileSync(path.join(place(run), 'adapter', 'adapter_model.safetensors'));
/** Name -> when it was written. */
const filesNow = () =>
  new Map(readdirSync(kernels()).map((name) => [name, statSync(path.join(kernels(), name)).mtimeMs]));
const damage = (names: Iterable<string>): void => {
  for (const name of names) truncateSync(path.join(kernels(), name), 300);
};

describe('kept kernels', () => {
  it('serve a second run, which compiles nothing and gives the same adapter', async () => {
    const before = filesNow();
    expect(before.size).toBeGreaterThan(10);
    expect(await train('second')).toMatchObject({ code: 0, stderr: '' });
    expect(filesNow()).toEqual(before);
    expect(adapterOf('second')).toEqual(adapterOf('first'));
  });

  it('are made anew where all are damaged', async () => {
    const before = filesNow();
    damage(before.keys());
    expect(await train('mended')).toMatchObject({ code: 0, stderr: '' });
    expect([...filesNow().keys()].sort()).toEqual([...before.keys()].sort());
    expect(adapterOf('mended')).toEqual(adapterOf('first'));
  });

  it('say so where some are damaged that the trial step does not need; the next run is all right', async () => {
    const ofFour = new Set(filesNow().keys());
    rmSync(kernels(), { recursive: true });
    expect(await train('other', 2)).toMatchObject({ code: 0 });
    const ofTwo = new Set(filesNow().keys());
    // Back to those of four rows; what both have belongs to the trial step.
    rmSync(kernels(), { recursive: true });
    expect(await train('again')).toMatchObject({ code: 0 });
    writeFileSync(path.join(kernels(), 'notes.txt'), 'of the user');
    damage([...ofFour].filter((name) => !ofTwo.has(name)));

    const cut = await train('cut');
    expect(cut.code).not.toBe(0);
    expect(JSON.stringify(cut.lines().at(-1))).toContain('Kept kernels could not be read or written');
    expect(readdirSync(kernels())).toEqual(['notes.txt']);
    expect(await train('after')).toMatchObject({ code: 0 });
    expect(adapterOf('after')).toEqual(adapterOf('first'));
  });
});
