/**
 * @file The folder picker of browser mode: looks around in the home and in the folders given at start, and nowhere else.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FolderEntry, FolderListing } from '../../src-shared/contract/data-methods.ts';
import { CONTRACT_ERRORS } from '../../src-shared/contract/outcome.ts';
import { AppError } from '../../src-shared/domain/app-error.ts';

/** @param folder null = the places themselves. @throws path/refused, path/not-a-folder */
export async function listFolder(folder: string | null, places: readonly string[]): Promise<FolderListing> {
  if (folder === null) {
    const entries = places.map((place) => ({ name: place, path: place, is_folder: true, size_bytes: null }));
    return { path: null, parent: null, entries };
  }
  const dir = path.resolve(folder);
  const place = await findPlace(dir, places);
  if (place === null) {
    throw new AppError(CONTRACT_ERRORS.pathRefused, `${folder} lies outside of the folders that may be looked at`, {
      hint: 'Start with `tunesmith serve --folder DIR` to add one.',
    });
  }
  const found = await readdir(dir, { withFileTypes: true }).catch(() => {
    throw new AppError('path/not-a-folder', `${folder} cannot be read as a folder`, { hint: 'Choose another one.' });
  });
  const visible = found.filter(({ name }) => !name.startsWith('.'));
  const entries = await Promise.all(visible.map(({ name }) => describeEntry(path.join(dir, name), name)));
  const parent = dir === place ? null : path.dirname(dir);
  return { path: dir, parent, entries: entries.flatMap((entry) => entry ?? []).sort(foldersFirst) };
}

/** A link may lead out of a place; then its target counts. */
async function findPlace(dir: string, places: readonly string[]): Promise<string | null> {
  const real = await realpath(dir).catch(() => dir);
  const roots = await Promise.all(
    places.map(async (place) => [place, await realpath(place).catch(() => place)] as const),
  );
  const [place] = roots.find(([, root]) => real === root || real.startsWith(root + path.sep)) ?? [];
  return place ?? null;
}

async function describeEntry(file: string, name: string): Promise<FolderEntry | null> {
  const info = await stat(file).catch(() => null);
  if (!info) return null;
  const is_folder = info.isDirectory();
  return { name, path: file, is_folder, size_bytes: is_folder ? null : info.size };
}

function foldersFirst(a: FolderEntry, b: FolderEntry): number {
  return Number(b.is_folder) - Number(a.is_folder) || a.name.localeCompare(b.name);
}
