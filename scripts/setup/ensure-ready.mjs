/**
 * @file Brings a clone to the point where everything runs: npm packages, TensorFlow runtime, binding; later the app's build.
 *
 * When all is there, that is seen in a few milliseconds and nothing is written. Otherwise the stages run under one lock per
 * cache, in order, each leaving either its whole result or none.
 */
import path from 'node:path';
import { SetupError, SetupInterrupted } from './failure.mjs';
import { acquireLock } from './lock.mjs';
import { arePackagesReady, installPackages } from './node-packages.mjs';
import { cacheRoot, findNode24, REPO_ROOT } from './paths.mjs';
import { createReporter } from './progress.mjs';
import { BINDING_FILE } from './runtime-record.mjs';
import { runtimeSpec } from './runtime-spec.mjs';
import { inspectRuntime, installRuntime, runtimeFolder } from './tensorflow-runtime.mjs';

/** @typedef {import('./wheels.mjs').SetupContext} SetupContext */
/** @typedef {import('./runtime-spec.mjs').RuntimeSpec} RuntimeSpec */
/**
 * @typedef {object} SetupOptions
 * @property {boolean} [quiet] no progress
 * @property {boolean} [cuda] the CUDA runtime instead of the CPU one (gigabytes; only on request)
 * @property {boolean} [engine] false: npm packages only
 * @property {boolean} [force] fetch and build the runtime again
 * @property {string} [root] the clone
 * @property {import('./progress.mjs').Reporter} [reporter]
 */
/**
 * @typedef {object} Readiness
 * @property {string} node path of Node 24
 * @property {boolean} tensorflow false: the app has only its wasm engine, for the reason given
 * @property {string | null} bindingPath
 * @property {string} reason '' with TensorFlow, or where it was not asked for
 * @property {string} fix '' likewise
 */

const OLDEST_NODE = 20;

/**
 * Sets up whatever is missing.
 * @param {SetupOptions} [options]
 * @returns {Promise<Readiness>}
 * @throws {SetupError} what is missing and how to mend it (exit 3)
 * @throws {SetupInterrupted} after Ctrl-C or SIGTERM (exit 130)
 */
export async function ensureReady({ quiet = false, cuda = false, engine = true, force = false, ...rest } = {}) {
  requireNode();
  const root = rest.root ?? REPO_ROOT;
  const reporter = rest.reporter ?? createReporter(quiet ? 'quiet' : 'text');
  const place = { root, cache: cacheRoot(), reporter };
  const spec = engine ? await wantedRuntime(place, cuda) : null;
  const ready = force ? null : await describeIfReady(place, engine, spec);
  if (ready) return ready;
  return withInterrupts(async (signal) => {
    const onWait = reporter.note;
    const lock = await acquireLock(path.join(place.cache, 'setup.lock'), { onWait, signal });
    try {
      return await runStages({ ...place, signal, lock }, { engine, spec, force });
    } finally {
      lock.release();
    }
  });
}

/**
 * @param {SetupContext} context
 * @param {{engine: boolean, spec: RuntimeSpec | null, force: boolean}} wanted
 * @returns {Promise<Readiness>}
 */
async function runStages(context, { engine, spec, force }) {
  if (!(await arePackagesReady(context.root))) await installPackages(context);
  let shortfall = null;
  if (spec) {
    const state = force ? 'stale' : await inspectRuntime(context, spec);
    if (state === 'stale') shortfall = await installRuntime(context, spec, force);
    else if (state !== 'ready') shortfall = state;
  }
  return describeReadiness(context, engine, spec, shortfall);
}

/**
 * @param {Pick<SetupContext, 'root' | 'cache' | 'reporter'>} place
 * @param {boolean} engine
 * @param {RuntimeSpec | null} spec
 * @returns {Promise<Readiness | null>} null while something has to be done
 */
async function describeIfReady(place, engine, spec) {
  if (!(await arePackagesReady(place.root))) return null;
  const state = spec ? await inspectRuntime(place, spec) : 'ready';
  if (state === 'stale') return null;
  return describeReadiness(place, engine, spec, state === 'ready' ? null : state);
}

/**
 * @param {{root: string, cache: string}} place
 * @param {boolean} engine
 * @param {RuntimeSpec | null} spec
 * @param {import('./tensorflow-runtime.mjs').Shortfall | null} shortfall
 * @returns {Readiness}
 */
function describeReadiness({ root, cache }, engine, spec, shortfall) {
  const node = findNode24(root);
  if (!node) throw new Error('internal: packages are ready, but Node 24 is not');
  if (!engine) return { node, tensorflow: false, bindingPath: null, reason: '', fix: '' };
  if (spec && !shortfall) {
    const bindingPath = path.join(runtimeFolder(cache, spec), BINDING_FILE);
    return { node, tensorflow: true, bindingPath, reason: '', fix: '' };
  }
  return { node, tensorflow: false, bindingPath: null, ...(shortfall ?? describeNoRuntime()) };
}

/**
 * CUDA is fetched only on request; once it is there, the CPU runtime is not needed (the CUDA one runs on the CPU too).
 * @param {Pick<SetupContext, 'root' | 'cache' | 'reporter'>} place
 * @param {boolean} cuda
 * @returns {Promise<RuntimeSpec | null>} null: none for this platform, or the user chose wasm
 * @throws {SetupError} CUDA was asked for and this platform has none
 */
async function wantedRuntime(place, cuda) {
  const choice = process.env.TUNESMITH_ENGINE;
  if (choice === 'wasm' && !cuda) return null;
  const cudaSpec = runtimeSpec('cuda');
  const hasCuda = choice !== 'cpu' && cudaSpec && (await inspectRuntime(place, cudaSpec)) === 'ready';
  const spec = cuda || hasCuda ? cudaSpec : runtimeSpec('cpu');
  if (cuda && !spec) {
    const here = `${process.platform} ${process.arch}`;
    throw new SetupError(
      'setup/no-cuda',
      `There is no CUDA runtime for ${here}.`,
      'Use Linux x64, or Windows with WSL2.',
    );
  }
  return spec;
}

function describeNoRuntime() {
  if (process.env.TUNESMITH_ENGINE === 'wasm')
    return { reason: 'TUNESMITH_ENGINE=wasm', fix: 'Unset TUNESMITH_ENGINE.' };
  const reason = `there is no TensorFlow runtime for ${process.platform} ${process.arch}`;
  return { reason, fix: 'Use Linux x64 (on Windows: WSL2) for larger models.' };
}

function requireNode() {
  if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) return;
  const message = `Node ${OLDEST_NODE} or newer is needed; this is Node ${process.versions.node}.`;
  throw new SetupError(
    'setup/node-too-old',
    message,
    'Install a current Node (for instance with your package manager) and try again.',
  );
}

/**
 * Runs work that Ctrl-C and SIGTERM end cleanly: tools are ended, temporary folders and the lock removed.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withInterrupts(work) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const name of signals) process.on(name, stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? new SetupInterrupted() : error;
  } finally {
    for (const name of signals) process.off(name, stop);
  }
}
