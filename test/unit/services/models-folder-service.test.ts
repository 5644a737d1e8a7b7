import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RECORD_FILE, stagingFolder } from '../../../src-main/jobs/hub/download-folder.ts';
import { createServices, type Services } from '../../../src-main/services/create-services.ts';
import { insertRun } from '../../../src-main/store/runs.ts';
import { upsertDownload } from '../../../src-main/store/downloads.ts';
import { newRun } from '../../store/support.ts';
import { writeTinyModel } from '../../recipe/support/tiny-model.ts';

let home = '';
let services: Services;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-move-'));
  services = createServices({ home, resources: path.join(home, 'none'), env: { HOME: home } });
});
afterEach(async () => {
  await services.close();
  rmSync(home, { recursive: true, force: true });
});

/** A finished download as the job leaves it. */
async function addDownload(name: string): Promise<string> {
  const dir = path.join(home, 'models', 'maker', name);
  await writeTinyModel(dir);
  const files = readdirSync(dir).map((file) => ({ name: file, bytes: 1, sha256: null, git_id: null }));
  const record = {
    model: `maker/${name}`,
    revision: 'abc',
    requested_revision: 'main',
    licence: 'mit',
    gated: false,
    files,
  };
  writeFileSync(path.join(dir, RECORD_FILE), JSON.stringify({ ...record, finished_at: 1 }));
  await services.models.addDownloaded(dir);
  return dir;
}

it('moves downloads, finished or not, and leaves a link where a run starts from one', async () => {
  const [used, free] = [await addDownload('used'), await addDownload('free')];
  const db = await services.history.open();
  insertRun(db, newRun({ model_path: used, state: 'finished' }));
  const begun = path.join(home, 'models', 'maker', 'begun');
  mkdirSync(stagingFolder(begun), { recursive: true });
  const row = { id: 'd', model: 'maker/begun', revision: 'abc', requested_revision: 'main', total_bytes: 9 };
  upsertDownload(db, { ...row, dir: begun, paused: 1, error_json: null, added_at: 1 });
  const to = path.join(home, 'elsewhere');
  const planned = await services.modelsFolder.plan(to);
  expect(planned.models.map(({ name }) => name)).toEqual(['maker/free', 'maker/used', 'maker/begun']);
  expect(planned.total_bytes).toBeGreaterThan(200_000);
  const phases: string[] = [];
  await services.modelsFolder.move(to, { onProgress: (phase) => phases.push(phase) });
  expect(phases).toHaveLength(3);
  const moved = (await services.models.list()).map(({ name, path: at, usable }) => [name, at, usable]);
  expect(moved).toEqual([
    ['maker/free', path.join(to, 'maker', 'free'), true],
    ['maker/used', path.join(to, 'maker', 'used'), true],
  ]);
  expect(existsSync(free)).toBe(false);
  expect(lstatSync(used).isSymbolicLink()).toBe(true);
  expect(await services.downloads.list()).toMatchObject([{ dir: path.join(to, 'maker', 'begun'), state: 'paused' }]);
  expect((await services.access.view()).models_folder).toBe(to);
});

it('refuses a folder inside the old one, and to move what a run works with', async () => {
  const dir = await addDownload('busy');
  await expect(services.modelsFolder.plan(path.join(home, 'models', 'x'))).rejects.toMatchObject({
    code: 'models-folder/inside',
  });
  insertRun(await services.history.open(), newRun({ model_path: dir, state: 'running' }));
  await expect(services.modelsFolder.move(path.join(home, 'to'))).rejects.toMatchObject({ code: 'model/in-use' });
  await expect(services.models.remove('maker/busy')).rejects.toMatchObject({ code: 'model/in-use' });
  expect(existsSync(path.join(dir, 'config.json'))).toBe(true);
});
