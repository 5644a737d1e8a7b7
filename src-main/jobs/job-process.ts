/**
 * @file The child's end: takes one request, runs its handler, sends events and one last message, and ends.
 *
 * The process gives way to core (lower priority), ignores Ctrl-C of a shared terminal (core decides what that means) and never
 * outlives its parent: when the channel closes the handler is asked to stop, and what has not ended after the grace is killed.
 */
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { DownloadProgress } from '../../src-shared/domain/hub.ts';
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import type { EngineHost, GenerateResult } from '../engine/recipes/contract.ts';
import type { TimedEvent } from './event-log.ts';
import { toFailure } from './failure.ts';
import { PARENT_GRACE_MS } from './limits.ts';
import { readPeakMemoryBytes } from './process-memory.ts';
import type { AskRequest, CoreMessage, JobKind, JobMessage, JobRequest, JobResult } from './protocol.ts';

export interface JobContext {
  readonly bindingPath: string | null;
  /** Aborted when the job is to save and end. */
  readonly signal: AbortSignal;
  /** Passes an event to core; a train job also writes it down. */
  send(event: TimedEvent): void;
  /** Of a download: how far it is. */
  readonly tellDownload: (progress: DownloadProgress) => void;
  /** Answers questions until the job is stopped. */
  serve(answer: Answerer): Promise<void>;
}

export type Answerer = (
  request: AskRequest,
  options: { signal: AbortSignal; onText: (chunk: string) => void },
) => Promise<GenerateResult>;

export type JobHandler<K extends JobKind> = (request: JobRequest<K>, context: JobContext) => Promise<JobResult<K>>;
/** Handlers are loaded when they are asked for: a merge needs nothing of training. */
export type JobHandlers = { readonly [K in JobKind]?: () => Promise<JobHandler<K>> };

const PRIORITY_BELOW_CORE = 10;
/** Added to the score, 0 to 1000, by which the system chooses. */
const DIE_FIRST = 500;
const EXIT_FAILED = 1;

/** Makes this process a job. Call it once, at the start of an entry file. */
export function runJobProcess(handlers: JobHandlers): void {
  if (!process.send) throw new Error('internal: a job process is started with child_process.fork');
  setPriority(PRIORITY_BELOW_CORE);
  dieFirst();
  const stopping = watchForStop();
  process.on('message', (message: CoreMessage) => {
    if (message.type === 'start') void runToEnd(handlers, message, stopping.signal);
    else if (message.type === 'stop') stopping.abort();
  });
}

/** Where memory runs out, the system is to end this process and not the app that watches it. */
function dieFirst(): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/oom_score_adj', String(DIE_FIRST));
  } catch {
    // Some containers do not let us; then the largest process goes, which is this one too.
  }
}

/** What a recipe gets; events carry the time they were told. */
export function createHost(context: JobContext, report: (event: RunEvent) => void): EngineHost {
  return { bindingPath: context.bindingPath, signal: context.signal, now: () => performance.now(), report };
}

export function stampEvent(event: RunEvent): TimedEvent {
  return { ...event, at: Date.now() };
}

function watchForStop(): AbortController {
  const stopping = new AbortController();
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  process.on('SIGTERM', () => stopping.abort());
  process.on('disconnect', () => stopping.abort());
  // With the parent its end of the pipes is gone; writing there must not end us before the checkpoint is saved.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const workerData = { parentPid: process.ppid, graceMs: PARENT_GRACE_MS };
  new Worker(new URL('./parent-watchdog.ts', import.meta.url), { workerData }).unref();
  return stopping;
}

async function runToEnd(
  handlers: JobHandlers,
  { kind, request, bindingPath }: Extract<CoreMessage, { type: 'start' }>,
  signal: AbortSignal,
): Promise<void> {
  const context: JobContext = {
    bindingPath,
    signal,
    send: (event) => sendMessage({ type: 'event', event }),
    tellDownload: (progress) => sendMessage({ type: 'download', progress }),
    serve: (answer) => serveQuestions(answer, signal),
  };
  try {
    const handler = (await handlers[kind]?.()) as JobHandler<JobKind> | undefined;
    if (!handler) throw new Error(`internal: no handler for job ${kind}`);
    const result = await handler(request, context);
    endWith({ type: 'result', result, peakMemoryBytes: readPeakMemoryBytes() }, 0);
  } catch (error) {
    endWith({ type: 'failed', failure: toFailure(error), peakMemoryBytes: readPeakMemoryBytes() }, EXIT_FAILED);
  }
}

/** One question at a time, in the order they came. */
function serveQuestions(answer: Answerer, signal: AbortSignal): Promise<void> {
  const open = new Map<number, AbortController>();
  let queue = Promise.resolve();
  const onMessage = (message: CoreMessage) => {
    if (message.type === 'dropAsk') open.get(message.id)?.abort();
    if (message.type !== 'ask') return;
    const { id, request } = message;
    const dropping = new AbortController();
    open.set(id, dropping);
    queue = queue.then(() => answerOne(answer, id, request, AbortSignal.any([signal, dropping.signal])));
    void queue.then(() => open.delete(id));
  };
  process.on('message', onMessage);
  sendMessage({ type: 'ready' });
  return new Promise((resolve) => {
    const finish = () => {
      process.off('message', onMessage);
      void queue.then(resolve);
    };
    if (signal.aborted) finish();
    else signal.addEventListener('abort', finish);
  });
}

async function answerOne(answer: Answerer, id: number, request: AskRequest, signal: AbortSignal): Promise<void> {
  try {
    if (signal.aborted) throw new Interrupted();
    const onText = (chunk: string) => sendMessage({ type: 'text', id, chunk });
    sendMessage({ type: 'answer', id, result: await answer(request, { signal, onText }) });
  } catch (error) {
    const failure = toFailure(error);
    sendMessage({ type: 'answerFailed', id, failure });
    // After a bug the model's state is unknown.
    if (!(error instanceof AppError || error instanceof Interrupted)) {
      endWith({ type: 'failed', failure, peakMemoryBytes: readPeakMemoryBytes() }, EXIT_FAILED);
    }
  }
}

/** A parent that has just ended is no reason to end before the checkpoint is saved: without a receiver a failed send would throw. */
function sendMessage(message: JobMessage): void {
  if (process.connected) process.send?.(message, () => {});
}

/** Native threads would keep the process alive, so it is ended once the last message has left. */
function endWith(message: JobMessage, code: number): void {
  if (!process.connected) process.exit(code);
  process.send?.(message, () => process.exit(code));
}
