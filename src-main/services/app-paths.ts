/**
 * @file The two folders of a user: the home (runs, models, history: worth keeping) and the cache (can be fetched again).
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { cacheRoot, packagedNode } from '../../scripts/setup/paths.mjs';

/**
 * Folder for everything worth keeping: `TUNESMITH_HOME`, else the platform's place for user data.
 * @returns absolute path; it need not exist
 */
export function homeFolder(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env.TUNESMITH_HOME) return path.resolve(env.TUNESMITH_HOME);
  const userHome = env.HOME || homedir();
  if (platform === 'darwin') return path.join(userHome, 'Library', 'Application Support', 'Tunesmith');
  if (platform === 'win32') return path.join(env.APPDATA || path.join(userHome, 'AppData', 'Roaming'), 'Tunesmith');
  return path.join(env.XDG_DATA_HOME || path.join(userHome, '.local', 'share'), 'tunesmith');
}

/** Folder for downloads and runtimes, shared by all clones and the app of one user. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return cacheRoot(env);
}

/**
 * The Node 24 that runs core and jobs where we are not Node ourselves (Electron's main process).
 * @param root folder with package.json
 * @param resources Electron's resources folder; a package carries Node there
 * @returns null where there is none
 */
export function findBundledNode(root: string, resources: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const name = process.platform === 'win32' ? 'node.exe' : 'bin/node';
  const candidates = [env.TUNESMITH_NODE, resources && path.join(resources, 'node', name), packagedNode(root)];
  return candidates.find((file) => file && existsSync(file)) || null;
}
