/**
 * @file Models that other programs, or the person, have put on this machine: the Hugging Face cache, LM Studio's folders, folders that
 * were chosen. They are used where they are, never copied and never deleted.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { FoundModel } from '../../src-shared/domain/models.ts';
import { readRecord } from '../jobs/hub/download-folder.ts';
import { type ModelFolder, readModelFolder } from './model-folder.ts';

/** A place may hold `maker/name/`, and be itself a folder of such places. */
const DEPTH = 3;
/** A folder that somebody chose by mistake (a whole disk) is not looked through for minutes. */
const MOST_FOLDERS = 4_000;

/** Every place with the models in it, each path once. */
export async function findModels(env: NodeJS.ProcessEnv, places: readonly string[]): Promise<FoundModel[]> {
  const all = await Promise.all([
    findCachedModels(env),
    ...[...lmStudioFolders(env), ...places].map((place) => findInFolder(place)),
  ]);
  const byPath = new Map(all.flat().map((model) => [model.path, model]));
  return [...byPath.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** Models of the Hugging Face cache that can be opened, by name. */
export async function findCachedModels(env: NodeJS.ProcessEnv): Promise<FoundModel[]> {
  const root = hubCacheFolder(env);
  const names = (await readdir(root).catch(() => [])).filter((name) => name.startsWith('models--'));
  const found = await Promise.all(names.map((name) => findSnapshot(path.join(root, name))));
  return found.flatMap((model) => model ?? []).sort((a, b) => a.name.localeCompare(b.name));
}

/** Models of a folder and of those below it, by name: their path from that folder. */
export async function findInFolder(place: string): Promise<FoundModel[]> {
  const root = path.resolve(place);
  const found: FoundModel[] = [];
  const queue: { dir: string; depth: number }[] = [{ dir: root, depth: 0 }];
  for (let looked = 0; queue.length > 0 && looked < MOST_FOLDERS; looked++) {
    const { dir, depth } = queue.shift()!;
    const model = await tryFolder(dir);
    if (model) found.push({ ...model, ...(await nameFolder(root, dir)) });
    else if (depth < DEPTH) queue.push(...(await listFolders(dir)).map((name) => ({ dir: name, depth: depth + 1 })));
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

/** The name of a cache's snapshot, null for other folders: `models--maker--name/snapshots/<commit>`. */
export function nameOfSnapshot(dir: string): { readonly name: string; readonly revision: string } | null {
  const [, cached, revision] = /[\\/]models--([^\\/]+)[\\/]snapshots[\\/]([^\\/]+)[\\/]?$/.exec(dir) ?? [];
  return cached && revision ? { name: cached.replace('--', '/'), revision } : null;
}

function hubCacheFolder(env: NodeJS.ProcessEnv): string {
  const home = env.HOME || homedir();
  const own = env.HF_HOME || path.join(env.XDG_CACHE_HOME || path.join(home, '.cache'), 'huggingface');
  return env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || path.join(own, 'hub');
}

/** Of its newer and its older releases. */
function lmStudioFolders(env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME || homedir();
  return [path.join(home, '.lmstudio', 'models'), path.join(home, '.cache', 'lm-studio', 'models')];
}

/** The snapshot that `main` names, else the newest one that is a model. */
async function findSnapshot(cached: string): Promise<FoundModel | null> {
  const main = await readFile(path.join(cached, 'refs', 'main'), 'utf8').catch(() => '');
  const snapshots = path.join(cached, 'snapshots');
  const ids: string[] = await readdir(snapshots).catch(() => []);
  const times = await Promise.all(ids.map(async (id) => (await stat(path.join(snapshots, id))).mtimeMs));
  const newestFirst = ids.map((id, at) => ({ id, time: times[at] ?? 0 })).sort((a, b) => b.time - a.time);
  const ordered: string[] = [main.trim(), ...newestFirst.map(({ id }) => id)].filter((id) => ids.includes(id));
  const name = path.basename(cached).slice('models--'.length).replace('--', '/');
  for (const id of ordered) {
    const found = await tryFolder(path.join(snapshots, id));
    if (found) return { name, ...found, revision: id };
  }
  return null;
}

async function nameFolder(root: string, dir: string): Promise<Pick<FoundModel, 'name' | 'revision'>> {
  const record = await readRecord(dir);
  if (record) return { name: record.model, revision: record.revision };
  const relative = path.relative(root, dir).split(path.sep).join('/');
  return nameOfSnapshot(dir) ?? { name: relative || path.basename(dir), revision: null };
}

async function tryFolder(dir: string): Promise<ModelFolder | null> {
  return readModelFolder(dir).catch(() => null);
}

async function listFolders(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const visible = entries.filter((entry) => !entry.name.startsWith('.'));
  const folders = await Promise.all(visible.map(async (entry) => ((await isFolder(dir, entry)) ? entry.name : null)));
  return folders.flatMap((name) => (name === null ? [] : path.join(dir, name)));
}

/** A link to a folder is one. */
async function isFolder(dir: string, entry: { name: string; isDirectory(): boolean; isSymbolicLink(): boolean }) {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(path.join(dir, entry.name)).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
