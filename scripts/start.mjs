/**
 * @file npm start: sets up whatever is missing, builds the app where its sources changed, and opens it: in Electron where there is one
 * and a display, else in the browser, whose link is printed.
 *
 *     npm start                      npm start -- --serve [--port N] [--folder DIR]
 */
import path from 'node:path';
import { findElectron, hasDisplay } from './launch/find-electron.mjs';
import { buildOrExit, noteMissingTensorFlow, prepareOrExit } from './launch/prepare.mjs';
import { becomeNode } from './launch/run-node.mjs';
import { cacheRoot, REPO_ROOT } from './setup/paths.mjs';

const args = process.argv.slice(2);
const ready = await prepareOrExit();
noteMissingTensorFlow(ready);
await buildOrExit(ready.node);

const electron = findElectron({ root: REPO_ROOT });
const env = { NODE_COMPILE_CACHE: path.join(cacheRoot(), 'compile'), ...process.env };
if (electron && hasDisplay() && args.length === 0) {
  await becomeNode(electron, electronArguments(), { env: { ...env, TUNESMITH_NODE: ready.node } });
}
if (args.length === 0) {
  const missing = electron ? 'There is no display here' : 'There is no Electron here';
  process.stderr.write(`${missing}, so the app opens in a browser.\n`);
}
const serve = [path.join(REPO_ROOT, 'src-main', 'cli', 'main.ts'), 'serve', ...args.filter((arg) => arg !== '--serve')];
await becomeNode(ready.node, serve, { env, watchParent: true });

/** Chromium's sandbox refuses to run as root, which nobody should be, except in containers. */
function electronArguments() {
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
  return [REPO_ROOT, ...(isRoot ? ['--no-sandbox'] : [])];
}
