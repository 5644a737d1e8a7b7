/**
 * @file Builds the window and Electron's main process into out/ when their sources have changed since the last time.
 *
 * The build is made beside and moved into place, so that a program that serves the old one never sees half of the new one. A package
 * comes built and without the tools; then what is there is taken.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from '../setup/failure.mjs';
import { acquireLock } from '../setup/lock.mjs';
import { REPO_ROOT } from '../setup/paths.mjs';
import { runCommand } from '../setup/run-command.mjs';

/** What the build is made from. */
const SOURCES = [
  'src-renderer',
  'src-shared',
  'src-main/app',
  'src-main/transport',
  'src-main/services/app-paths.ts',
  'electron.vite.config.ts',
  'package.json',
  'package-lock.json',
];
const PARTS = ['main', 'preload', 'renderer'];
const STAMP = 'build.json';
const BUILDER = 'node_modules/electron-vite/bin/electron-vite.js';

/**
 * @param {object} options
 * @param {string} options.node path of Node 24
 * @param {string} [options.root] the clone
 * @param {(line: string) => void} [options.report] takes progress lines
 * @returns {Promise<'fresh' | 'built'>} fresh: nothing had to be done
 * @throws {SetupError} where the build fails
 */
export async function ensureBuilt({ node, root = REPO_ROOT, report = (line) => process.stderr.write(`${line}\n`) }) {
  const out = path.join(root, 'out');
  if (isFresh(root, out)) return 'fresh';
  const lock = await acquireLock(path.join(out, 'build.lock'), {
    onWait: report,
    signal: new AbortController().signal,
  });
  try {
    if (isFresh(root, out)) return 'fresh';
    report('Building the app (some seconds)…');
    await build({ node, root, out });
    return 'built';
  } finally {
    lock.release();
  }
}

/**
 * @param {string} root
 * @param {string} out
 */
function isFresh(root, out) {
  const isWhole = PARTS.every((part) => existsSync(path.join(out, part)));
  if (!existsSync(path.join(root, BUILDER))) return isWhole;
  return isWhole && readStamp(out) === hashSources(root);
}

/** @param {{node: string, root: string, out: string}} places */
async function build({ node, root, out }) {
  const hash = hashSources(root);
  const made = path.join(out, `.building-${process.pid}`);
  const env = { ...process.env, NODE_ENV: 'production', TUNESMITH_BUILD_FOLDER: made };
  try {
    const { code, stdout, stderr } = await runCommand(node, [BUILDER, 'build', '--logLevel', 'warn'], {
      cwd: root,
      env,
    });
    if (code !== 0) {
      const detail = `${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n');
      throw new SetupError('setup/build-failed', 'The app could not be built', 'npm start', { detail });
    }
    rmSync(path.join(out, STAMP), { force: true });
    for (const part of PARTS) replaceFolder(path.join(made, part), path.join(out, part));
    writeFileSync(path.join(out, STAMP), `${JSON.stringify({ hash })}\n`);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
function replaceFolder(from, to) {
  mkdirSync(path.dirname(to), { recursive: true });
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}

/** @param {string} out */
function readStamp(out) {
  try {
    return JSON.parse(readFileSync(path.join(out, STAMP), 'utf8')).hash;
  } catch {
    return null; // never built, or cut off in mid-build
  }
}

/**
 * Names and contents of all sources.
 * @param {string} root
 */
function hashSources(root) {
  const hash = createHash('sha256');
  for (const source of SOURCES) addToHash(hash, root, source);
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} root
 * @param {string} name
 */
function addToHash(hash, root, name) {
  const file = path.join(root, name);
  if (!existsSync(file)) return;
  if (statSync(file).isDirectory()) {
    for (const inner of readdirSync(file).sort()) addToHash(hash, root, `${name}/${inner}`);
    return;
  }
  hash.update(`${name}\n`).update(readFileSync(file)).update('\n');
}
