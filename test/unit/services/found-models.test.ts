import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCachedModels, findInFolder, findModels, nameOfSnapshot } from '../../../src-main/services/found-models.ts';
import { shardedHubModel } from '../../support/hub-models.ts';
import { writeTinyModel } from '../../recipe/support/tiny-model.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-found-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('the Hugging Face cache', () => {
  it('is looked through for the snapshot that main names, else a usable one', async () => {
    const hub = path.join(folder, 'hub');
    const snapshot = (id: string) => path.join(hub, 'models--maker--tiny', 'snapshots', id);
    await writeTinyModel(snapshot('aaa'));
    await writeTinyModel(snapshot('bbb'));
    mkdirSync(path.join(hub, 'models--maker--tiny', 'refs'));
    writeFileSync(path.join(hub, 'models--maker--tiny', 'refs', 'main'), 'aaa');
    mkdirSync(path.join(hub, 'models--maker--half', 'snapshots', 'ccc'), { recursive: true });
    mkdirSync(path.join(hub, 'datasets--maker--rows'), { recursive: true });
    expect(await findCachedModels({ HF_HOME: folder })).toMatchObject([
      { name: 'maker/tiny', path: snapshot('aaa'), model_type: 'llama' },
    ]);
    expect(await findCachedModels({ HF_HUB_CACHE: path.join(folder, 'none') })).toEqual([]);
  });
});

describe('a folder of models', () => {
  it('is looked through some levels deep; copies that are not whole are none', async () => {
    await writeTinyModel(path.join(folder, 'maker', 'tiny'));
    await writeTinyModel(path.join(folder, '.partial-x', 'hidden'));
    await writeTinyModel(path.join(folder, 'a', 'b', 'c', 'd', 'too-deep'));
    const half = path.join(folder, 'maker', 'half');
    mkdirSync(half);
    const { files } = await shardedHubModel(3, 1_000);
    for (const [name, content] of Object.entries(files)) {
      if (!name.includes('00003-of')) writeFileSync(path.join(half, name), content);
    }
    expect((await findInFolder(folder)).map(({ name }) => name)).toEqual(['maker/tiny']);
    const itself = await findInFolder(path.join(folder, 'maker', 'tiny'));
    expect(itself.map(({ name }) => name)).toEqual(['tiny']);
  });

  it('of LM Studio is found by itself, and each folder once', async () => {
    const studio = path.join(folder, '.lmstudio', 'models');
    await writeTinyModel(path.join(studio, 'maker', 'tiny'));
    const found = await findModels({ HOME: folder }, [studio, '/not/there']);
    expect(found.map(({ name, path: at }) => [name, at])).toEqual([['maker/tiny', path.join(studio, 'maker', 'tiny')]]);
  });

  it('names snapshots of a cache by their model', () => {
    const named = nameOfSnapshot('/c/hub/models--maker--a--b/snapshots/abc');
    expect(named).toEqual({ name: 'maker/a--b', revision: 'abc' });
    expect(nameOfSnapshot('/c/hub/maker/tiny')).toBeNull();
  });
});
