import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServices, type Services } from '../../../src-main/services/create-services.ts';
import { makeFolder } from '../jobs/support/start-fake.ts';

let home = '';
let services: Services;
beforeEach(() => {
  home = makeFolder();
  services = createServices({ home, resources: path.join(home, 'resources'), env: { HOME: home } });
});
afterEach(async () => {
  await services.close();
  rmSync(home, { recursive: true, force: true });
});

/** A safetensors file of 100 bytes: the length of the header, the header, one byte of weights. */
const HEADER = '{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'.padEnd(91);
const WEIGHTS = `${String.fromCharCode(HEADER.length)}${'\0'.repeat(7)}${HEADER}x`;

function makeModel(name: string, files: Record<string, string> = {}): string {
  const dir = path.join(home, name);
  mkdirSync(dir, { recursive: true });
  const config = JSON.stringify({ model_type: 'llama', max_position_embeddings: 256 });
  const all = { 'config.json': config, 'tokenizer.json': '{}', 'model.safetensors': WEIGHTS, ...files };
  for (const [file, text] of Object.entries(all)) if (text !== '') writeFileSync(path.join(dir, file), text);
  return dir;
}

it('lists the sample first, imported folders by name, and those that are gone as not usable', async () => {
  makeModel('resources/sample-model');
  const kept = makeModel('kept');
  const gone = makeModel('gone');
  await services.models.importFolder(kept, 'Zebra');
  await services.models.importFolder(gone);
  rmSync(gone, { recursive: true });
  expect(await services.models.list()).toMatchObject([
    { name: 'sample', source: 'sample', usable: true },
    { name: 'gone', usable: false },
    { name: 'Zebra', path: kept, model_type: 'llama', size_bytes: 100, context_tokens: 256, usable: true },
  ]);
  await services.models.remove('Zebra');
  await expect(services.models.remove('Zebra')).rejects.toMatchObject({ code: 'model/unknown' });
});

it('finds a folder by path, by name, and the sample', async () => {
  const sample = makeModel('resources/sample-model');
  const dir = makeModel('mine');
  await services.models.importFolder(dir, 'My model');
  expect(await services.models.resolveFolder(dir)).toBe(dir);
  expect(await services.models.resolveFolder('My model')).toBe(dir);
  expect(await services.models.resolveFolder('sample')).toBe(sample);
  expect(await services.models.resolveFolder('/not/there')).toBe('/not/there');
});

it('takes no weights that were cut off', async () => {
  const dir = makeModel('cut', { 'model.safetensors': WEIGHTS.slice(0, -1) });
  const error = await services.models.importFolder(dir).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'model/not-a-model', faults: [{ field: 'w' }] });
  expect(await services.models.list()).toEqual([]);
});

it('names all that a folder lacks', async () => {
  const dir = makeModel('torn', { 'config.json': '{"hidden": 1}', 'tokenizer.json': '', 'model.safetensors': '' });
  writeFileSync(path.join(dir, 'pytorch_model.bin'), 'x');
  const error = await services.models.importFolder(dir).catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: 'model/not-a-model',
    faults: [
      { message: 'config.json names no model_type' },
      { message: 'tokenizer.json is missing' },
      { message: expect.stringContaining('pickle files (pytorch_model.bin)') },
    ],
  });
  await expect(services.models.importFolder('/not/there')).rejects.toMatchObject({ code: 'model/not-found' });
});
