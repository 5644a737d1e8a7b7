/**
 * @file Core's end: starts a job process and follows it to its end.
 *
 * The job stays in core's process group, so what kills the group kills the job; what kills only core closes the channel, and the
 * job then ends by itself (job-process.ts).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { DownloadProgress } from '../../src-shared/domain/hub.ts';
import type { SmallerSettings } from '../../src-shared/domain/need-less.ts';
import type { GenerateResult } from '../engine/recipes/contract.ts';
import type { TimedEvent } from './event-log.ts';
import { withoutKernelNoise } from '../engine/device/kernel-cache.ts';
import { saysOutOfMemory } from '../engine/device/out-of-memory.ts';
import { readOutOfMemoryKills } from '../engine/device/free-memory.ts';
import { fromFailure, NEED_LESS, outOfMemory } from './failure.ts';
import { jobEnvironment } from './job-environment.ts';
import { readMemoryBytes, readPeakMemoryBytes } from './process-memory.ts';
import type { AskRequest, CoreMessage, JobKind, JobMessage, JobRequest, JobResult, TrainRequest } from './protocol.ts';
import { adviseLess } from './run-folder.ts';

export interface StartJobOptions<K extends JobKind> {
  readonly kind: K;
  readonly request: JobRequest<K>;
  /** Native binding of TensorFlow; null = wasm. */
  readonly bindingPath: string | null;
  readonly onEvent?: (event: TimedEvent) => void;
  /** Of a download: how far it is. */
  readonly onDownload?: (progress: DownloadProgress) => void;
  /** A job that goes beyond is killed. For work on untrusted files. */
  readonly limits?: { readonly memoryBytes: number; readonly timeMs: number };
  /** Variables of its environment beside those of this process. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Another entry file than the product's; tests have one with jobs that misbehave. */
  readonly entry?: string;
}

export interface Job<K extends JobKind> {
  readonly pid: number | null;
  /** Resolves once a served job takes questions. Rejects as `result` does if it never comes to that. */
  readonly ready: Promise<void>;
  /** Rejects with `AppError`, `Interrupted`, or a plain Error for a bug; by then the process has ended. */
  readonly result: Promise<JobResult<K>>;
  /** Asks the job to save and end. */
  stop(): void;
  /** Ends it at once; `result` rejects with `Interrupted`. */
  kill(): void;
  ask(request: AskRequest, options: { signal?: AbortSignal; onText: (chunk: string) => void }): Promise<GenerateResult>;
  /** Highest resident memory seen so far, bytes; null where the system does not tell. */
  peakMemoryBytes(): number | null;
}

interface OpenQuestion {
  readonly onText: (chunk: string) => void;
  readonly resolve: (result: GenerateResult) => void;
  readonly reject: (error: Error) => void;
}

const ENTRY = fileURLToPath(new URL('./entry.ts', import.meta.url));
/** What the job printed last, for the report of a crash. */
const TAIL_CHARS = 8_000;
const LIMIT_LOOK_MS = 200;

/** Forks a job under this Node and sends it its request. */
export function startJob<K extends JobKind>(options: StartJobOptions<K>): Job<K> {
  const child = fork(options.entry ?? ENTRY, [], {
    execPath: process.execPath,
    execArgv: [],
    env: jobEnvironment(process.env, options.variables),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const follower = new JobFollower(options, child);
  follower.send({ type: 'start', kind: options.kind, request: options.request, bindingPath: options.bindingPath });
  return follower.job as Job<K>;
}

class JobFollower {
  readonly job: Job<JobKind>;
  readonly #child: ChildProcess;
  readonly #kind: JobKind;
  /** Folder of a run. */
  readonly #runDir: string | null;
  /** Processes that the system had ended for want of memory when this one began. */
  readonly #killsBefore = readOutOfMemoryKills();
  readonly #onEvent: (event: TimedEvent) => void;
  readonly #onDownload: (progress: DownloadProgress) => void;
  readonly #questions = new Map<number, OpenQuestion>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #result = Promise.withResolvers<JobResult<JobKind>>();
  #lastMessage: Extract<JobMessage, { type: 'result' | 'failed' }> | null = null;
  #lastStep = 0;
  /** What the run proposed where it saw that memory is tight. */
  #proposal: SmallerSettings | null = null;
  #asked = 0;
  #peakMemoryBytes: number | null = null;
  #tail = '';
  /** Why we killed it ourselves. */
  #killedFor: Error | null = null;

  constructor(options: StartJobOptions<JobKind>, child: ChildProcess) {
    const { kind, request, onEvent = () => {}, onDownload = () => {}, limits } = options;
    this.#child = child;
    this.#kind = kind;
    this.#runDir = kind === 'train' ? (request as TrainRequest).runDir : null;
    this.#onEvent = onEvent;
    this.#onDownload = onDownload;
    // A job may fail before anybody waits for it.
    this.#ready.promise.catch(() => {});
    this.#result.promise.catch(() => {});
    child.on('message', (message: JobMessage) => this.#take(message));
    child.on('error', (error) => this.#end(new AppError('job/not-started', error.message, { kind: 'environment' })));
    child.on('close', (code, signal) => this.#end(this.#explainEnd(code, signal)));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keepTail(text));
    }
    if (limits) this.#enforce(limits);
    this.job = this.#createJob();
  }

  send(message: CoreMessage): void {
    // A channel that closes between the two calls reports to the callback; the `close` event then tells the rest.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #keepTail(text: string): void {
    this.#tail = withoutKernelNoise(this.#tail + text).slice(-TAIL_CHARS);
  }

  #createJob(): Job<JobKind> {
    return {
      pid: this.#child.pid ?? null,
      ready: this.#ready.promise,
      result: this.#result.promise,
      stop: () => this.send({ type: 'stop' }),
      kill: () => this.#killFor(new Interrupted('killed')),
      ask: (request, options) => this.#ask(request, options),
      peakMemoryBytes: () => this.#samplePeak(),
    };
  }

  #take(message: JobMessage): void {
    switch (message.type) {
      case 'event':
        this.#remember(message.event);
        return this.#onEvent(message.event);
      case 'download':
        return this.#onDownload(message.progress);
      case 'ready':
        return this.#ready.resolve();
      case 'text':
        return this.#questions.get(message.id)?.onText(message.chunk);
      case 'answer':
        this.#questions.get(message.id)?.resolve(message.result);
        this.#questions.delete(message.id);
        return;
      case 'answerFailed':
        this.#questions.get(message.id)?.reject(fromFailure(message.failure));
        this.#questions.delete(message.id);
        return;
      case 'result':
      case 'failed':
        this.#peakMemoryBytes = message.peakMemoryBytes;
        this.#lastMessage = message;
    }
  }

  /** What an end without a last message is explained with. */
  #remember(event: TimedEvent): void {
    if (event.event === 'start') this.#lastStep = event.start_step;
    if (event.event === 'step') this.#lastStep = event.step;
    if (event.event === 'notice' && event.code === 'memory/tight') this.#proposal = event.settings ?? null;
  }

  #ask(
    request: AskRequest,
    { signal, onText }: { signal?: AbortSignal; onText: (chunk: string) => void },
  ): Promise<GenerateResult> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) return reject(new Interrupted('the job has ended'));
      const drop = () => this.send({ type: 'dropAsk', id });
      const settle =
        <T>(next: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener('abort', drop);
          next(value);
        };
      this.#questions.set(id, { onText, resolve: settle(resolve), reject: settle(reject) });
      this.send({ type: 'ask', id, request });
      signal?.addEventListener('abort', drop);
      if (signal?.aborted) drop();
    });
  }

  /** Settles everything; the first call counts. */
  #end(error: Error | null): void {
    const failure = error ?? new Interrupted('the job has ended');
    for (const { reject } of this.#questions.values()) reject(failure);
    this.#questions.clear();
    this.#ready.reject(failure);
    if (error) this.#result.reject(error);
    else if (this.#lastMessage?.type === 'result') this.#result.resolve(this.#lastMessage.result);
  }

  /** @returns null where the job ended as it should, with a result */
  #explainEnd(code: number | null, signal: NodeJS.Signals | null): Error | null {
    if (this.#lastMessage?.type === 'result') return null;
    if (this.#lastMessage?.type === 'failed') return fromFailure(this.#lastMessage.failure);
    if (this.#killedFor) return this.#killedFor;
    const reached = this.#lastStep === 0 ? 'before the first step' : `after step ${this.#lastStep}`;
    const where = this.#kind === 'train' ? `training, ${reached}` : this.#kind;
    const hint = (this.#runDir && adviseLess(this.#runDir, this.#proposal)) ?? NEED_LESS;
    if (saysOutOfMemory(this.#tail) || (signal === 'SIGKILL' && this.#wasMemory())) return outOfMemory(where, { hint });
    if (signal === 'SIGKILL') {
      const reason = 'most often because memory ran out, or somebody stopped it';
      const message = `The system ended the process (${where}): ${reason}`;
      return new AppError('job/killed', message, { kind: 'environment', hint });
    }
    if (signal === 'SIGTERM') return new Interrupted('the job was told to end');
    const end = signal === null ? `code ${code}` : `signal ${signal}`;
    return new Error(`internal: the ${this.#kind} process ended with ${end} (${where})\n${this.#tail}`);
  }

  /** Whether the system counts one more process that it ended for want of memory. */
  #wasMemory(): boolean {
    const kills = readOutOfMemoryKills();
    return kills !== null && this.#killsBefore !== null && kills > this.#killsBefore;
  }

  #enforce(limits: { memoryBytes: number; timeMs: number }): void {
    const started = performance.now();
    const timer = setInterval(() => {
      const pid = this.#child.pid;
      if (pid === undefined) return;
      if (performance.now() - started > limits.timeMs) {
        this.#killFor(limitError('job/too-slow', `It took longer than ${Math.round(limits.timeMs / 1000)} s`));
      } else if ((readMemoryBytes(pid) ?? 0) > limits.memoryBytes) {
        this.#killFor(
          limitError('job/too-large', `It needed more than ${Math.round(limits.memoryBytes / 1e6)} MB of memory`),
        );
      }
    }, LIMIT_LOOK_MS);
    this.#child.once('close', () => clearInterval(timer));
  }

  #killFor(reason: Error): void {
    this.#killedFor ??= reason;
    this.#child.kill('SIGKILL');
  }

  #samplePeak(): number | null {
    const pid = this.#child.pid;
    const now = pid === undefined || this.#child.exitCode !== null ? null : readPeakMemoryBytes(pid);
    if (now !== null) this.#peakMemoryBytes = Math.max(now, this.#peakMemoryBytes ?? 0);
    return this.#peakMemoryBytes;
  }
}

function limitError(code: string, message: string): AppError {
  return new AppError(code, message, {
    hint: 'The file is unusually large or built to be: split it, or save it in another format (JSONL, CSV).',
  });
}
