/**
 * @file Runs a file under the clone's own Node 24: node scripts/with-node.mjs FILE ARGS…
 *
 * Installs the npm packages first where they are missing. Signals and the exit code pass through.
 */
import { prepareOrExit } from './launch/prepare.mjs';
import { becomeNode } from './launch/run-node.mjs';

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Usage: node scripts/with-node.mjs FILE [ARGS...]\n');
  process.exit(2);
}
const { node } = await prepareOrExit({ engine: false });
await becomeNode(node, [file, ...args]);
