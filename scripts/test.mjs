/**
 * @file npm test: sets up whatever is missing and runs the tests. `--interop` runs the tests against Python peers instead,
 * `--e2e` those in a real browser and a real Electron, on a virtual display where there is no other.
 *
 * Other arguments go to vitest; a path among them takes the place of the whole suite:
 * npm test -- test/unit/scripts -t 'lock'
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { hasDisplay } from './launch/find-electron.mjs';
import { prepareOrExit } from './launch/prepare.mjs';
import { becomeNode } from './launch/run-node.mjs';
import { EXIT_ENVIRONMENT } from './setup/failure.mjs';
import { REPO_ROOT } from './setup/paths.mjs';

const SUITES = ['unit', 'golden', 'recipe', 'store', 'contract', 'component'];
/**
 * Suites that need more than a clone: asked for by name.
 * @type {Record<string, string>}
 */
const APART = { '--interop': 'interop', '--e2e': 'e2e' };

const args = process.argv.slice(2);
const ready = await prepareOrExit();
if (!ready.tensorflow) {
  process.stderr.write(`The tests need the TensorFlow runtime: ${ready.reason}\n  Fix: ${ready.fix}\n`);
  process.exit(EXIT_ENVIRONMENT);
}
const vitest = path.join(REPO_ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const command = [ready.node, vitest, 'run', '--root', REPO_ROOT, ...choosePaths(args)];
const needsDisplay = args.includes('--e2e') && !hasDisplay();
const [program = '', ...rest] = needsDisplay ? ['xvfb-run', '-a', ...command] : command;
await becomeNode(program, rest);

/** @param {string[]} given */
function choosePaths(given) {
  const chosen = given.filter((arg) => arg in APART);
  const rest = given.filter((arg) => !(arg in APART));
  if (rest.some((arg) => existsSync(path.resolve(REPO_ROOT, arg)))) return rest;
  const suites = chosen.length > 0 ? chosen.map((flag) => APART[flag]) : SUITES;
  return [...suites.map((suite) => `test/${suite}/`), ...rest];
}
