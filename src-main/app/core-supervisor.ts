/**
 * @file Main's hold on core: forks it under Node 24, passes messages on, starts it again when it crashes, and gives up when that does
 * not help. Knows nothing of Electron.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { CallMessage, FromCore, Hello } from '../../src-shared/contract/messages.ts';
import type { CoreArguments } from '../transport/core-process.ts';
import type { FromParent } from '../transport/parent-channel.ts';

export interface CoreSupervisorOptions {
  /** Path of Node 24. */
  readonly node: string;
  /** Path of core's entry. */
  readonly entry: string;
  readonly args: CoreArguments;
  readonly env: NodeJS.ProcessEnv;
  /** What core says; `lost` when it is not started any more. */
  readonly onMessage: (message: FromCore) => void;
  /** A line for main's log. */
  readonly onLog: (line: string) => void;
}

export interface CoreSupervisor {
  /** null until core has answered. */
  hello(): Hello | null;
  /** Why core is not started any more; null while it is. */
  lostReason(): string | null;
  pid(): number | null;
  send(call: CallMessage): void;
  /** A window of this name was closed, has crashed or was loaded anew. */
  windowLeft(window: string): void;
  /** Kept over restarts. */
  allowPath(path: string): void;
  /** Asks core to pause what is at work and to end, and waits for it. */
  close(): Promise<void>;
}

/** More crashes than this within the time, and starting again helps nobody. */
const MAX_CRASHES = 4;
const CRASH_WINDOW_MS = 60_000;
const RESTART_PAUSE_MS = 300;
const TAIL_CHARS = 2_000;
/** Core itself waits for its jobs' checkpoints. */
const CLOSE_GRACE_MS = 20_000;

export function superviseCore(options: CoreSupervisorOptions): CoreSupervisor {
  return new Supervisor(options);
}

class Supervisor implements CoreSupervisor {
  readonly #options: CoreSupervisorOptions;
  readonly #allowedPaths: string[] = [];
  #child: ChildProcess;
  #hello: Hello | null = null;
  #lostReason: string | null = null;
  #crashes: number[] = [];
  #isClosing = false;
  #tail = '';

  constructor(options: CoreSupervisorOptions) {
    this.#options = options;
    this.#child = this.#fork();
  }

  hello(): Hello | null {
    return this.#hello;
  }

  lostReason(): string | null {
    return this.#lostReason;
  }

  pid(): number | null {
    return this.#child.pid ?? null;
  }

  send(call: CallMessage): void {
    this.#tell(call);
  }

  windowLeft(window: string): void {
    this.#tell({ type: 'windowLeft', window });
  }

  allowPath(path: string): void {
    this.#allowedPaths.push(path);
    this.#tell({ type: 'allowPath', path });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#tell({ type: 'close' });
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_GRACE_MS);
    await ended;
    clearTimeout(timer);
  }

  #fork(): ChildProcess {
    const { node, entry, args, env } = this.#options;
    const child = fork(entry, [JSON.stringify(args)], {
      execPath: node,
      execArgv: [],
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#tail = '';
    child.on('message', (message) => this.#take(message as FromCore));
    child.on('error', (error) => this.#options.onLog(`core: ${error.message}`));
    child.on('close', (code, signal) => this.#afterEnd(signal ?? `code ${code}`));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#tail = (this.#tail + text).slice(-TAIL_CHARS);
        this.#options.onLog(text.trimEnd());
      });
    }
    for (const path of this.#allowedPaths) child.send({ type: 'allowPath', path } satisfies FromParent);
    return child;
  }

  #tell(message: FromParent): void {
    // A channel that closes between the two reports to the callback; what was lost is told with the next `hello`.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #take(message: FromCore): void {
    if (message.type === 'hello') this.#hello = message;
    this.#options.onMessage(message);
  }

  #afterEnd(end: string): void {
    if (this.#isClosing) return;
    this.#hello = null;
    const nowMs = Date.now();
    this.#crashes = [...this.#crashes.filter((at) => nowMs - at < CRASH_WINDOW_MS), nowMs];
    this.#options.onLog(`core ended with ${end}; ${this.#crashes.length} time(s) within a minute`);
    if (this.#crashes.length > MAX_CRASHES) {
      this.#lostReason = this.#tail.trim().split('\n').at(-1) || end;
      this.#options.onMessage({ type: 'lost', reason: this.#lostReason });
      return;
    }
    setTimeout(() => {
      if (!this.#isClosing) this.#child = this.#fork();
    }, RESTART_PAUSE_MS * this.#crashes.length);
  }
}
