/**
 * @file npm test: sets up whatever is missing and runs the tests. `--interop` runs the tests against Python peers instead,
 * `--e2e` those in a real browser and a real Electron, on a virtual display where there is no other. Without TensorFlow the tests run on
 * the wasm engine, and those that need TensorFlow are not called.
 *
 * Other arguments go to vitest; a path among them takes the place of the whole suite:
 * npm test -- test/unit/scripts -t 'lock'
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { excludeArguments, listTensorFlowTests } from './launch/choose-tests.mjs';
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
const leftOut = ready.tensorflow ? [] : leaveOut(ready);
const vitest = path.join(REPO_ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const command = [ready.node, vitest, 'run', '--root', REPO_ROOT, ...excludeArguments(leftOut), ...choosePaths(args)];
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

/**
 * Says what runs without TensorFlow; the suites that compare with other programs do not.
 * @param {import('./setup/ensure-ready.mjs').Readiness} ready
 */
function leaveOut({ reason, fix }) {
  const apart = args.find((arg) => arg in APART);
  if (apart !== undefined) {
    process.stderr.write(`The tests of ${apart} need the TensorFlow runtime: ${reason}\n  Fix: ${fix}\n`);
    process.exit(EXIT_ENVIRONMENT);
  }
  const files = listTensorFlowTests(REPO_ROOT).filter((file) =>
    SUITES.some((suite) => file.startsWith(`test/${suite}/`)),
  );
  const list = files.map((file) => `  ${file}\n`).join('');
  process.stderr.write(
    `Without TensorFlow (${reason}) the tests run on the wasm engine; ${files.length} files that need TensorFlow are not called:\n${list}` +
      `  Fix: ${fix}\n`,
  );
  return files;
}
