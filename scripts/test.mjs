/**
 * @file npm test: sets up whatever is missing and runs the tests. `--interop` runs the tests against Python peers instead.
 *
 * Other arguments go to vitest; a path among them takes the place of the whole suite:
 * npm test -- test/unit/scripts -t 'lock'
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { prepareOrExit } from './launch/prepare.mjs';
import { becomeNode } from './launch/run-node.mjs';
import { EXIT_ENVIRONMENT } from './setup/failure.mjs';
import { REPO_ROOT } from './setup/paths.mjs';

const SUITES = ['unit', 'golden', 'recipe', 'store', 'contract', 'component'];

const args = process.argv.slice(2);
const ready = await prepareOrExit();
if (!ready.tensorflow) {
  process.stderr.write(`The tests need the TensorFlow runtime: ${ready.reason}\n  Fix: ${ready.fix}\n`);
  process.exit(EXIT_ENVIRONMENT);
}
const vitest = path.join(REPO_ROOT, 'node_modules', 'vitest', 'vitest.mjs');
await becomeNode(ready.node, [vitest, 'run', '--root', REPO_ROOT, ...choosePaths(args)]);

/** @param {string[]} given */
function choosePaths(given) {
  const interop = given.includes('--interop');
  const rest = given.filter((arg) => arg !== '--interop');
  if (rest.some((arg) => existsSync(path.resolve(REPO_ROOT, arg)))) return rest;
  const suites = interop ? ['interop'] : SUITES;
  return [...suites.map((suite) => `test/${suite}/`), ...rest];
}
