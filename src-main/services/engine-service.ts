/**
 * @file The engine as a person sees it: what runs here, on what, and how to install it.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { DeviceStatus, EngineStatus, RuntimeStatus } from '../../src-shared/domain/machine.ts';
import { usableThreads } from '../engine/device/threads.ts';
import { cacheFolder, homeFolder } from './app-paths.ts';
import { readCpuFacts, readDiskFacts, readGpuFacts, readMemoryFacts } from './machine-facts.ts';
import { findRuntimes, type InstalledRuntime, locateRuntime, readEngineChoice } from './runtime-locator.ts';
import { type LoadedRuntime, probeRuntime } from './runtime-probe.ts';
import type { WeightCacheChoice } from './weight-cache.ts';

export type { DeviceStatus, EngineStatus, RuntimeStatus };

/** One step of an installation. */
export interface InstallProgress {
  readonly stage: string;
  readonly state: 'start' | 'progress' | 'done' | 'fail';
  /** 0 to 1, null where the size is unknown. */
  readonly fraction: number | null;
  readonly detail: string;
}

export interface InstallEngineOptions {
  /** The CUDA 12 runtime instead of the CPU one: several gigabytes. */
  readonly cuda?: boolean;
  readonly onProgress?: (progress: InstallProgress) => void;
  readonly signal?: AbortSignal;
}

type SetupLine =
  | ({ readonly event: 'stage' } & InstallProgress)
  | { readonly event: 'note'; readonly message: string }
  | { readonly event: 'ready'; readonly tensorflow: boolean; readonly reason: string; readonly fix: string }
  | { readonly event: 'error'; readonly code: string; readonly message: string; readonly hint: string };

const SETUP_SCRIPT = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url));
const EXIT_INTERRUPTED = 130;

/**
 * Reads everything at once; loading the runtime makes it a matter of seconds.
 * @throws engine/unknown-choice where TUNESMITH_ENGINE makes no sense
 */
export async function getEngineStatus(weightCache?: WeightCacheChoice): Promise<EngineStatus> {
  const [probed, cpu, gpus, homeDisk, cacheDisk] = await Promise.all([
    readRuntimeStatus(),
    readCpuFacts(),
    readGpuFacts(),
    readDiskFacts(homeFolder()),
    readDiskFacts(cacheFolder()),
  ]);
  const { runtime, usesGpu } = probed;
  const device: DeviceStatus = usesGpu
    ? { kind: 'gpu', name: gpus[0]?.name ?? 'unnamed graphics card' }
    : { kind: 'cpu', name: cpu.model };
  const threads = usableThreads();
  const memory = readMemoryFacts(weightCache, usesGpu ? gpus[0] : null);
  return { runtime, device, threads, cpu, gpus, memory, homeDisk, cacheDisk, node: process.versions.node };
}

/**
 * Installs or mends a runtime by running set-up. A runtime that is there and works is kept.
 * @throws engine/install-failed (and set-up's own codes), kind environment; Interrupted after an abort
 */
export async function installEngine(options: InstallEngineOptions = {}): Promise<void> {
  const { cuda = false, onProgress = () => {}, signal } = options;
  const args = [SETUP_SCRIPT, '--json', ...(cuda ? ['--cuda'] : []), ...((await isBroken(cuda)) ? ['--force'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  let last: SetupLine | null = null;
  for await (const text of createInterface({ input: child.stdout })) {
    last = JSON.parse(text) as SetupLine;
    if (last.event === 'stage') onProgress(last);
    if (last.event === 'note') onProgress({ stage: last.message, state: 'progress', fraction: null, detail: '' });
  }
  const code = await ended;
  signal?.removeEventListener('abort', stop);
  checkInstalled(last, code);
}

function checkInstalled(last: SetupLine | null, code: number | null): void {
  if (code === EXIT_INTERRUPTED) throw new Interrupted();
  if (last?.event === 'error') throw installError(last.code, last.message, last.hint);
  if (last?.event !== 'ready') throw installError('engine/install-failed', `Set-up ended with code ${code}`, '');
  if (!last.tensorflow) throw installError('engine/install-failed', `TensorFlow: ${last.reason}`, last.fix);
}

function installError(code: string, message: string, hint: string): AppError {
  return new AppError(code, message, { kind: 'environment', hint });
}

/** Files of the right size may still be damaged; then set-up, which looks at sizes, must be told to start anew. */
async function isBroken(cuda: boolean): Promise<boolean> {
  const runtime = (await findRuntimes()).find(({ kind }) => kind === (cuda ? 'cuda' : 'cpu'));
  if (runtime === undefined) return false;
  const loaded = await probeRuntime(runtime.bindingPath);
  return 'fault' in loaded || loaded.missingLibraries.length > 0;
}

async function readRuntimeStatus(): Promise<{ runtime: RuntimeStatus; usesGpu: boolean }> {
  const choice = readEngineChoice();
  if (choice === 'wasm') return { runtime: describeWasm(), usesGpu: false };
  const runtime = await locateRuntime().catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'engine/runtime-missing') return null;
    throw error;
  });
  if (!runtime) return { runtime: await describeMissing(choice ?? 'cpu'), usesGpu: false };
  const loaded = await probeRuntime(runtime.bindingPath);
  return { runtime: describeLoaded(runtime, loaded), usesGpu: 'usesGpu' in loaded && loaded.usesGpu };
}

function describeWasm(): RuntimeStatus {
  return { kind: 'wasm', state: 'ready', version: null, dir: null, detail: 'TUNESMITH_ENGINE=wasm' };
}

async function describeMissing(kind: 'cpu' | 'cuda'): Promise<RuntimeStatus> {
  const unusable = (await findRuntimes()).find((runtime) => runtime.kind === kind && runtime.loadError !== null);
  if (!unusable) return { kind, state: 'missing', version: null, dir: null, detail: 'not installed' };
  return { kind, state: 'broken', version: null, dir: unusable.dir, detail: unusable.loadError ?? '' };
}

function describeLoaded({ kind, dir }: InstalledRuntime, loaded: LoadedRuntime | { fault: string }): RuntimeStatus {
  if ('fault' in loaded) return { kind, state: 'broken', version: null, dir, detail: loaded.fault };
  const { version, missingLibraries: missing } = loaded;
  return { kind, state: 'ready', version, dir, detail: missing.length > 0 ? `cannot load ${missing.join(', ')}` : '' };
}
