/**
 * @file runtime.json: the mark of a complete runtime. It is written last, so a folder without it is torn and is made again.
 *
 * It keeps the sizes of the files, which catches a deleted or cut library at the price of three stat calls, and the hash of
 * the binding's sources, so that a new version of the binding is built when the lockfile brings one.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * @typedef {object} RuntimeRecord
 * @property {1} format
 * @property {import('./runtime-spec.mjs').RuntimeKind} kind
 * @property {string} version of TensorFlow
 * @property {string} platform
 * @property {{bindingSources: string, compiler: string, node: string}} builtWith hash of the C++ sources, compiler, Node that loaded it
 * @property {Record<string, number>} files size in bytes by path below the runtime's folder
 * @property {string | null} loadError why the library does not run on this machine (too old a CPU or C library), else null
 */

export const BINDING_FILE = 'tfjs_binding.node';
const RECORD_FILE = 'runtime.json';

/**
 * @param {string} dir folder of one runtime
 * @returns {Promise<RuntimeRecord | null>} null for a runtime that is missing, torn or from another format
 */
export async function readRuntimeRecord(dir) {
  const record = await parseRecord(dir);
  return record && (await areFilesWhole(dir, record.files)) ? record : null;
}

/**
 * @param {string} dir
 * @returns {Promise<boolean>} true if only the binding is missing or out of date, so that nothing has to be fetched
 */
export async function areLibrariesWhole(dir) {
  const record = await parseRecord(dir);
  if (!record) return false;
  const { [BINDING_FILE]: _binding, ...libraries } = record.files;
  return areFilesWhole(dir, libraries);
}

/**
 * @param {string} dir
 * @param {import('./runtime-spec.mjs').RuntimeSpec} spec
 * @param {{builtWith: RuntimeRecord['builtWith'], loadError: string | null}} found
 */
export async function writeRuntimeRecord(dir, { kind, version, platform, libraries }, { builtWith, loadError }) {
  /** @type {Record<string, number>} */
  const files = {};
  for (const name of [BINDING_FILE, ...libraries.map((library) => `tensorflow/${library}`)]) {
    files[name] = (await stat(path.join(dir, name))).size;
  }
  /** @type {RuntimeRecord} */
  const record = { format: 1, kind, version, platform, builtWith, files, loadError };
  await writeFile(path.join(dir, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
}

/**
 * @param {string} root the clone
 * @returns {Promise<string | null>} hash of the binding's C++ sources, null where the package is not installed
 */
export async function hashBindingSources(root) {
  const folder = bindingSourceFolder(root);
  const names = await readdir(folder).catch(() => null);
  if (names === null) return null;
  const hash = createHash('sha256');
  for (const name of names.sort()) hash.update(name).update(await readFile(path.join(folder, name)));
  return hash.digest('hex');
}

/** @param {string} root the clone */
export function bindingSourceFolder(root) {
  return path.join(root, 'node_modules', '@tensorflow', 'tfjs-node-gpu', 'binding');
}

/**
 * @param {string} dir
 * @returns {Promise<RuntimeRecord | null>}
 */
async function parseRecord(dir) {
  try {
    const record = JSON.parse(await readFile(path.join(dir, RECORD_FILE), 'utf8'));
    return record?.format === 1 && record.files?.[BINDING_FILE] && record.builtWith ? record : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} dir
 * @param {Record<string, number>} files
 */
async function areFilesWhole(dir, files) {
  const sizes = await Promise.all(Object.keys(files).map((name) => sizeOf(path.join(dir, name))));
  return Object.values(files).every((size, index) => size === sizes[index]);
}

/** @param {string} file */
async function sizeOf(file) {
  return stat(file).then(
    (found) => found.size,
    () => -1,
  );
}
