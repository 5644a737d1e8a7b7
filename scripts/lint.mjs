/**
 * @file npm run lint: ESLint for the code inside each file, dependency-cruiser for who may import whom. Warnings count as faults.
 *
 * Arguments are files or folders to check with ESLint instead of everything.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from './setup/paths.mjs';

const SOURCES = ['src-shared', 'src-main', 'src-renderer', 'scripts', 'test'];

const files = process.argv.slice(2);
const eslint = ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', ...(files.length > 0 ? files : ['.'])];
const cruiser = [
  'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
  '--config',
  'dependency-rules.mjs',
  '--output-type',
  'err-long',
];
const present = SOURCES.filter((folder) => existsSync(path.join(REPO_ROOT, folder)));
const passed = [eslint, [...cruiser, ...present]].map((args) => runNode(args));
process.exitCode = passed.every(Boolean) ? 0 : 1;

/** @param {string[]} args */
function runNode(args) {
  return spawnSync(process.execPath, args, { cwd: REPO_ROOT, stdio: 'inherit' }).status === 0;
}
