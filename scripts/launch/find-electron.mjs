/**
 * @file Finds an Electron and a display to show its window on. Neither is a must: without them the app opens in a browser.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * `ELECTRON_PATH`, else an Electron installed beside us with npm, else one on the PATH.
 * @param {{root: string, env?: NodeJS.ProcessEnv, platform?: NodeJS.Platform}} options
 * @returns {string | null} absolute path of the binary
 */
export function findElectron({ root, env = process.env, platform = process.platform }) {
  const name = platform === 'win32' ? 'electron.exe' : 'electron';
  const onPath = (env.PATH ?? '').split(path.delimiter).filter(Boolean);
  const candidates = [env.ELECTRON_PATH, fromPackage(root), ...onPath.map((folder) => path.join(folder, name))];
  return candidates.find((file) => file && isProgram(file)) || null;
}

/**
 * @param {NodeJS.ProcessEnv} [env]
 * @param {NodeJS.Platform} [platform]
 */
export function hasDisplay(env = process.env, platform = process.platform) {
  return platform === 'darwin' || platform === 'win32' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/**
 * The npm package `electron` names its binary in path.txt once it has fetched it.
 * @param {string} root
 */
function fromPackage(root) {
  const folder = path.join(root, 'node_modules', 'electron');
  const pointer = path.join(folder, 'path.txt');
  return existsSync(pointer) ? path.join(folder, 'dist', readFileSync(pointer, 'utf8').trim()) : null;
}

/** @param {string} file */
function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
