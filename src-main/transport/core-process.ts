/**
 * @file Entry of the core process that Electron's main process forks under Node 24. Its argument is one JSON object (CoreArguments).
 *
 * It never outlives its parent: when the channel closes, what is at work is paused, and the process ends.
 */
import { homeFolder } from '../services/app-paths.ts';
import { createCore } from './core.ts';
import { serveParent } from './parent-channel.ts';

/** What main tells at start. */
export interface CoreArguments {
  readonly version: string;
  /** Another job entry; tests have one without an engine. */
  readonly jobEntry?: string;
}

/** Jobs have ten seconds to save; a little more, and we end without them. */
const CLOSE_GRACE_MS = 15_000;

const { version, jobEntry } = JSON.parse(process.argv[2] ?? '{}') as CoreArguments;
const core = createCore({ home: homeFolder(), env: process.env, version, host: 'desktop', jobEntry });
let isClosing = false;

async function close(): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  setTimeout(() => process.exit(1), CLOSE_GRACE_MS).unref();
  await core.close();
  process.exit(0);
}

serveParent(
  core,
  {
    send(message) {
      if (process.connected) process.send?.(message, () => {});
    },
    onMessage: (listener) => process.on('message', listener),
  },
  () => void close(),
);
process.on('disconnect', () => void close());
process.on('SIGTERM', () => void close());
// Ctrl-C in the terminal that the app was started from reaches everybody; main decides what it means.
process.on('SIGINT', () => {});
