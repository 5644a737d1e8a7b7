/**
 * @file The tunesmith command: node scripts/tunesmith.mjs COMMAND [OPTIONS]
 *
 * Runs under any Node 20 or newer: sets up what is missing, then starts the command line program (src-main/cli/main.ts) under
 * Node 24 with the same terminal, signals and exit code. Commands that report on the machine or install the engine must work
 * on a machine that has none, so for them only the npm packages are set up.
 */
import path from 'node:path';
import { buildOrExit, noteMissingTensorFlow, prepareOrExit } from './launch/prepare.mjs';
import { becomeNode } from './launch/run-node.mjs';
import { cacheRoot, REPO_ROOT } from './setup/paths.mjs';

const WITHOUT_ENGINE = ['doctor', 'engine', 'help', 'runs', 'data', 'models', 'queue', 'estimate'];

const args = process.argv.slice(2);
const engine = needsEngine(args);
const ready = await prepareOrExit({ engine });
if (engine) noteMissingTensorFlow(ready);
if (engine && args[0] === 'serve') await buildOrExit(ready.node);
const env = { NODE_COMPILE_CACHE: path.join(cacheRoot(), 'compile'), ...process.env };
await becomeNode(ready.node, [path.join(REPO_ROOT, 'src-main', 'cli', 'main.ts'), ...args], { env, watchParent: true });

/** @param {string[]} given */
function needsEngine(given) {
  const [command = 'help'] = given;
  const asksForText = given.some((arg) => ['-h', '--help', '-V', '--version'].includes(arg));
  return !asksForText && !WITHOUT_ENGINE.includes(command);
}
