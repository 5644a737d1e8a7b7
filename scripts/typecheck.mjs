/**
 * @file Type checks each environment with its own compiler settings, so that the compiler also says where a DOM or a Node API
 * does not belong. An environment without files is named, not passed over; a folder without settings is a fault.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from './setup/paths.mjs';

const ENVIRONMENTS = ['src-shared', 'src-main/engine', 'src-main', 'src-renderer', 'test', 'test/component', 'scripts'];

const failed = ENVIRONMENTS.filter((folder) => !checkEnvironment(folder));
if (failed.length > 0) process.stderr.write(`Type faults in: ${failed.join(', ')}\n`);
process.exitCode = failed.length > 0 ? 1 : 0;

/**
 * @param {string} folder
 * @returns {boolean} true without faults
 */
function checkEnvironment(folder) {
  const names = listSources(folder);
  if (names.length === 0) {
    process.stdout.write(`${folder}: no files yet\n`);
    return true;
  }
  const project = path.join(REPO_ROOT, folder, 'tsconfig.json');
  if (!existsSync(project)) {
    process.stderr.write(`${folder}: ${names.length} files, but no tsconfig.json\n`);
    return false;
  }
  const startMs = Date.now();
  const passed = compilersFor(names).every((args) => runNode([...args, project]));
  const seconds = ((Date.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(`${folder}: ${passed ? 'no faults' : 'FAULTS'} (${names.length} files, ${seconds} s)\n`);
  return passed;
}

/**
 * Svelte files need svelte-check, which checks the TypeScript beside them too.
 * @param {string[]} names
 * @returns {string[][]} arguments up to the project file
 */
function compilersFor(names) {
  const tsc = ['node_modules/typescript/bin/tsc', '--noEmit', '--project'];
  const svelteCheck = [
    'node_modules/svelte-check/bin/svelte-check',
    '--fail-on-warnings',
    '--output',
    'human',
    '--tsconfig',
  ];
  return names.some((name) => name.endsWith('.svelte')) ? [svelteCheck] : [tsc];
}

/** @param {string[]} args */
function runNode(args) {
  return spawnSync(process.execPath, args, { cwd: REPO_ROOT, stdio: 'inherit' }).status === 0;
}

/**
 * Files of an environment, without those of an environment inside it.
 * @param {string} folder
 */
function listSources(folder) {
  const top = path.join(REPO_ROOT, folder);
  if (!existsSync(top)) return [];
  const inner = ENVIRONMENTS.filter((other) => other.startsWith(`${folder}/`)).map((other) =>
    other.slice(folder.length + 1),
  );
  const names = readdirSync(top, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll(path.sep, '/'));
  return names.filter(
    (name) => /\.(ts|mts|mjs|svelte)$/.test(name) && !inner.some((part) => name.startsWith(`${part}/`)),
  );
}
