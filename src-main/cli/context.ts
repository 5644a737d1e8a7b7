/**
 * @file What every command works with: the reporter, the services (loaded at their first use), and one signal for Ctrl-C.
 */
import type { Services } from '../services/create-services.ts';
import type { Notice } from '../services/notice.ts';
import type { OutputStream, Reporter } from './reporter.ts';

export interface CliEnvironment {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Another job entry; tests have one without an engine. */
  readonly jobEntry?: string;
}

export interface CommandContext {
  readonly reporter: Reporter;
  readonly env: NodeJS.ProcessEnv;
  /** Another job entry; tests have one without an engine. */
  readonly jobEntry?: string;
  readonly services: () => Promise<Services>;
  /** Aborted at the first Ctrl-C, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Called at the second Ctrl-C: end at once. */
  readonly onForce: (end: () => void) => void;
}

export interface ContextOptions {
  readonly environment: CliEnvironment;
  readonly reporter: Reporter;
}

export interface OwnedContext extends CommandContext {
  /** Takes the signal handlers away and closes the services. */
  readonly dispose: () => Promise<void>;
}

/** npm and a terminal may both deliver one Ctrl-C; closer together than this they are one. */
const SAME_SIGNAL_MS = 500;

export function createContext({ environment, reporter }: ContextOptions): OwnedContext {
  const interrupts = watchInterrupts();
  let opening: Promise<Services> | null = null;
  const open = async () => {
    const [{ createServices }, { homeFolder }] = await Promise.all([
      import('../services/create-services.ts'),
      import('../services/app-paths.ts'),
    ]);
    const { env, jobEntry } = environment;
    const onNotice = ({ message, code, command }: Notice) =>
      reporter.note(command === undefined ? message : `${message} Go on with it: ${command}`, code);
    return createServices({ home: homeFolder(env), env, jobEntry, onNotice });
  };
  return {
    reporter,
    env: environment.env,
    jobEntry: environment.jobEntry,
    services: () => (opening ??= open()),
    signal: interrupts.signal,
    onForce: interrupts.onForce,
    async dispose() {
      interrupts.dispose();
      const services = await opening?.catch(() => null);
      await services?.close();
    },
  };
}

function watchInterrupts(): { signal: AbortSignal; onForce: (end: () => void) => void; dispose: () => void } {
  const stopping = new AbortController();
  let lastMs = -Infinity;
  let force = () => {};
  const onSignal = () => {
    const nowMs = performance.now();
    const isSame = nowMs - lastMs < SAME_SIGNAL_MS;
    lastMs = nowMs;
    if (!stopping.signal.aborted) stopping.abort();
    else if (!isSame) force();
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: stopping.signal,
    onForce: (end) => (force = end),
    dispose: () => names.forEach((name) => process.off(name, onSignal)),
  };
}
