/**
 * @file Stage 1: the npm packages of the lockfile, with a Node 24 binary among them.
 *
 * `npm ci` runs only when it must. A stamp holds the hash of the lockfile that the packages were installed from; where it
 * does not match, the list that npm itself keeps (node_modules/.package-lock.json) decides, so packages that somebody
 * installed by hand are not thrown away.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { requireDiskSpace } from './disk-space.mjs';
import { diskFull, firstLines, SetupError } from './failure.mjs';
import { findNode24 } from './paths.mjs';
import { runCommand } from './run-command.mjs';

/** Measured: 775 MB in node_modules; the rest is npm's own cache. */
const PACKAGES_DISK_BYTES = 1_200_000_000;

/** @typedef {{version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean}} LockEntry */
/** @typedef {{packages?: Record<string, LockEntry>}} Lockfile */

/**
 * @param {string} root the clone
 * @returns {Promise<boolean>} true when nothing has to be installed
 */
export async function arePackagesReady(root) {
  if (!findNode24(root)) return false;
  const lockText = await readOrNull(path.join(root, 'package-lock.json'));
  if (lockText === null) return true; // a packaged app: its packages came with it
  const hash = createHash('sha256').update(lockText).digest('hex');
  if ((await readOrNull(stampFile(root))) === hash) return true;
  const installedText = await readOrNull(path.join(root, 'node_modules', '.package-lock.json'));
  if (installedText === null || !isInstalled(JSON.parse(lockText), JSON.parse(installedText))) return false;
  await writeFile(stampFile(root), hash).catch(() => {}); // a read-only clone works too, it only compares again next time
  return true;
}

/**
 * @param {Lockfile} wanted package-lock.json
 * @param {Lockfile} installed node_modules/.package-lock.json
 * @returns {boolean} true if every package that this platform needs is there in the wanted version
 */
export function isInstalled(wanted, installed) {
  return Object.entries(wanted.packages ?? {}).every(([place, entry]) => {
    if (place === '' || entry.link) return true;
    const found = installed.packages?.[place];
    return found ? found.version === entry.version : Boolean(entry.optional || entry.devOptional || entry.peer);
  });
}

/**
 * Installs exactly the lockfile's packages.
 * @param {{root: string, reporter: import('./progress.mjs').Reporter, signal: AbortSignal, lock: import('./lock.mjs').HeldLock}} context
 * @throws {SetupError} no npm, no network, no space, or npm's own message
 */
export async function installPackages({ root, reporter, signal, lock }) {
  const remedy = 'move the clone to a larger disk and run the same command there.';
  await requireDiskSpace({ folder: root, bytes: PACKAGES_DISK_BYTES, purpose: 'Installing the npm packages', remedy });
  const stage = reporter.stage('npm packages');
  stage.update(null, 'installing');
  try {
    const npm = npmCommand();
    const args = [...npm.args, 'ci', '--include=dev', '--include=optional', '--ignore-scripts'];
    args.push('--loglevel=error', '--no-progress', '--no-audit', '--no-fund');
    const result = await runCommand(npm.file, args, { cwd: root, signal, lock });
    if (result.missing || result.code !== 0) throw explainNpmFailure(result, root);
    const lockText = await readFile(path.join(root, 'package-lock.json'), 'utf8');
    if (!findNode24(root)) throw noNode24();
    await writeFile(stampFile(root), createHash('sha256').update(lockText).digest('hex'));
    stage.done();
  } catch (error) {
    stage.fail();
    throw error;
  }
}

/** The npm that started us where there is one (its path is in the environment), else the one on PATH. */
function npmCommand() {
  const script = process.env.npm_execpath;
  if (script && path.basename(script) === 'npm-cli.js') return { file: process.execPath, args: [script] };
  return process.platform === 'win32'
    ? { file: 'cmd.exe', args: ['/d', '/s', '/c', 'npm'] }
    : { file: 'npm', args: [] };
}

/**
 * @param {import('./run-command.mjs').CommandResult} result
 * @param {string} root
 */
function explainNpmFailure(result, root) {
  const detail = firstLines(result.stderr || result.stdout);
  if (result.missing) {
    return new SetupError(
      'setup/npm-missing',
      'npm is not installed (or not on PATH).',
      'Install Node 20 or newer with npm.',
    );
  }
  if (/ENOSPC|no space left/i.test(result.stderr)) return diskFull(root, { detail });
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network|socket hang up/i.test(result.stderr)) {
    return new SetupError(
      'setup/network',
      'npm could not reach the package registry.',
      'Check the network (behind a proxy: npm config set proxy and https-proxy), then run the same command again.',
      { detail },
    );
  }
  return new SetupError('setup/npm-failed', `npm ci failed (exit code ${result.code}).`, `cd ${root} && npm ci`, {
    detail,
  });
}

function noNode24() {
  return new SetupError(
    'setup/node-missing',
    `There is no Node 24 package for ${process.platform} ${process.arch}.`,
    'Install Node 24 or newer yourself and run the same command with it.',
  );
}

/** @param {string} root */
function stampFile(root) {
  return path.join(root, 'node_modules', '.tunesmith-packages');
}

/**
 * @param {string} file
 * @returns {Promise<string | null>} null where there is no such file
 */
async function readOrNull(file) {
  return readFile(file, 'utf8').catch(() => null);
}
