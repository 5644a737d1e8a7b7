/**
 * @file Starts jobs on the runtime that is installed here.
 */
import { fileURLToPath } from 'node:url';
import { type Job, startJob, type StartJobOptions } from '../jobs/job-client.ts';
import type { JobKind, JobRequest, JobResult } from '../jobs/protocol.ts';
import { type InstalledRuntime, locateRuntime } from './runtime-locator.ts';

/** Jobs on untrusted files and servers that need no engine: they have an entry of their own, which loads none. */
const DATA_JOBS: readonly JobKind[] = ['inspect', 'repair', 'download', 'plan'];
const DATA_ENTRY = fileURLToPath(new URL('../jobs/data-entry.ts', import.meta.url));

export interface JobRunner {
  /** @throws engine/runtime-missing where TUNESMITH_ENGINE asks for what is not installed */
  start<K extends JobKind>(
    kind: K,
    request: JobRequest<K>,
    options?: Pick<StartJobOptions<K>, 'onEvent' | 'onDownload' | 'limits'>,
  ): Promise<Job<K>>;
}

export interface JobRunnerOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Another job entry; tests have one without an engine. */
  readonly jobEntry?: string;
  /** What a job on the device gets in its environment. */
  readonly variables: (runtime: InstalledRuntime | null) => Promise<Readonly<Record<string, string>>>;
}

export function createJobRunner({ env, jobEntry, variables }: JobRunnerOptions): JobRunner {
  return {
    async start(kind, request, options = {}) {
      const isData = DATA_JOBS.includes(kind);
      // A plan loads no engine, but what it says depends on which one the run would have.
      const isOfDevice = !isData || kind === 'plan';
      const runtime = isOfDevice ? await locateRuntime(env) : null;
      const given = isOfDevice ? await variables(runtime) : {};
      const entry = isData ? DATA_ENTRY : jobEntry;
      const bindingPath = runtime?.bindingPath ?? null;
      return startJob({
        ...{ kind, request, bindingPath, variables: given, ...options },
        ...(entry === undefined ? {} : { entry }),
      });
    },
  };
}

/** Waits for a job; an abort asks it to save and end. */
export function followJob<K extends JobKind>(job: Job<K>, signal?: AbortSignal): Promise<JobResult<K>> {
  const stop = () => job.stop();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  return job.result.finally(() => signal?.removeEventListener('abort', stop));
}

/** Waits for a job that has nothing to save; an abort ends its process at once, since work on a device does not listen. */
export function followDisposable<K extends JobKind>(job: Job<K>, signal?: AbortSignal): Promise<JobResult<K>> {
  const kill = () => job.kill();
  signal?.addEventListener('abort', kill);
  if (signal?.aborted) kill();
  return job.result.finally(() => signal?.removeEventListener('abort', kill));
}
