/**
 * @file Stages 2 and 3: the TensorFlow runtime and the binding, in the cache that all clones share.
 *
 * Everything is made in a working folder beside the target and renamed into place at the end: whatever interrupts it, the
 * runtime is either whole or not there. A runtime folder without its record (made by hand, or by an older set-up) is kept if
 * it loads.
 */
import { access, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { buildBinding, probeBinding } from './binding.mjs';
import { findBuildTools, isShortfall } from './build-tools.mjs';
import { requireDiskSpace } from './disk-space.mjs';
import { explainFileError } from './failure.mjs';
import {
  areLibrariesWhole,
  BINDING_FILE,
  hashBindingSources,
  readRuntimeRecord,
  writeRuntimeRecord,
} from './runtime-record.mjs';
import { downloadWheels, unpackWheel } from './wheels.mjs';
import { requirementsOfExtra } from './wheel-metadata.mjs';

/** @typedef {import('./wheels.mjs').SetupContext} SetupContext */
/** @typedef {import('./runtime-spec.mjs').RuntimeSpec} RuntimeSpec */
/** @typedef {import('./build-tools.mjs').BuildTools} BuildTools */
/** @typedef {{reason: string, fix: string}} Shortfall why there is no TensorFlow, and what mends it */

const WORK_PREFIX = '.work-';

/**
 * @param {Pick<SetupContext, 'root' | 'cache'>} place
 * @param {RuntimeSpec} spec
 * @returns {Promise<'ready' | 'stale' | Shortfall>} stale: missing, torn, or built from other sources; Shortfall: complete, but it
 *   does not run on this machine, so making it again would not help
 */
export async function inspectRuntime({ root, cache }, spec) {
  const record = await readRuntimeRecord(runtimeFolder(cache, spec));
  const sources = await hashBindingSources(root);
  if (!record || (sources !== null && record.builtWith.bindingSources !== sources)) return 'stale';
  return record.loadError === null ? 'ready' : describeLoadError(record.loadError);
}

/**
 * Makes the runtime whole.
 * @param {SetupContext} context
 * @param {RuntimeSpec} spec
 * @param {boolean} [fresh] fetch and build everything again
 * @returns {Promise<Shortfall | null>} null when it is there and loads
 * @throws {import('./failure.mjs').SetupError} network, disk
 */
export async function installRuntime(context, spec, fresh = false) {
  const runtimes = path.join(context.cache, 'runtime');
  try {
    await mkdir(runtimes, { recursive: true });
    await removeWorkFolders(runtimes);
    if (!fresh && (await adoptExisting(context, spec))) return null;
    const tools = await findBuildTools(context.signal);
    if (isShortfall(tools)) return tools;
    if (fresh || !(await areLibrariesWhole(runtimeFolder(context.cache, spec)))) await requireSpaceFor(context, spec);
    return await makeRuntime(context, spec, tools, fresh);
  } catch (error) {
    throw explainFileError(error, runtimes);
  } finally {
    await removeWorkFolders(runtimes).catch(() => {});
  }
}

/**
 * @param {string} cache
 * @param {RuntimeSpec} spec
 */
export function runtimeFolder(cache, spec) {
  return path.join(cache, 'runtime', spec.directory);
}

/**
 * @param {SetupContext} context
 * @param {RuntimeSpec} spec
 * @param {BuildTools} tools
 * @param {boolean} fresh fetch everything again
 * @returns {Promise<Shortfall | null>}
 */
async function makeRuntime(context, spec, tools, fresh) {
  const target = runtimeFolder(context.cache, spec);
  const work = path.join(context.cache, 'runtime', `${WORK_PREFIX}${process.pid}`);
  const onlyBinding = !fresh && (await areLibrariesWhole(target));
  if (onlyBinding) await borrowLibraries(target, work);
  else await fetchTensorFlow(context, spec, tools, work);

  const stage = context.reporter.stage('TensorFlow binding');
  stage.update(null, 'compiling');
  try {
    const fault = await buildBinding(context, { dir: work, spec, compiler: tools.compiler });
    if (fault !== null) return endWith(stage, describeCompilerFault(fault, tools));
    stage.update(null, 'checking');
    const loaded = await probeBinding(context, work);
    if (onlyBinding) await rename(path.join(work, BINDING_FILE), path.join(target, BINDING_FILE));
    const loadError = await recordRuntime(context, spec, onlyBinding ? target : work, loaded, tools.compilerVersion);
    if (!onlyBinding) await replaceFolder(work, target);
    if (loadError !== null) return endWith(stage, describeLoadError(loadError));
    stage.done();
    return null;
  } catch (error) {
    stage.fail();
    throw error;
  }
}

/**
 * Lets the working folder see the libraries of a whole runtime, which running jobs go on using meanwhile.
 * @param {string} target
 * @param {string} work
 */
async function borrowLibraries(target, work) {
  await mkdir(work, { recursive: true });
  await symlink(path.join(target, 'tensorflow'), path.join(work, 'tensorflow'), 'junction');
}

/**
 * @param {string} work
 * @param {string} target
 */
async function replaceFolder(work, target) {
  const old = `${work}.old`;
  await rename(target, old).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(work, target);
  await rm(old, { recursive: true, force: true });
}

/**
 * @param {SetupContext} context
 * @param {RuntimeSpec} spec
 * @param {BuildTools} tools
 * @param {string} work
 */
async function fetchTensorFlow(context, spec, { python }, work) {
  const stage = context.reporter.stage(`TensorFlow ${spec.version}${spec.kind === 'cuda' ? ' with CUDA' : ''}`);
  try {
    const folder = path.join(work, 'wheels');
    const what = { python, spec, requirements: [spec.requirement], folder, totalBytes: spec.downloadBytes };
    const [wheel = ''] = await downloadWheels(context, stage, what);
    const info = path.basename(wheel).split('-').slice(0, 2).join('-');
    const wanted = ['include/', ...spec.libraries].map((name) => `tensorflow/${name}`);
    const prefixes = [...wanted, `${info}.dist-info/METADATA`];
    await unpackWheel(context, stage, { python, wheel, target: work, sha256: spec.sha256, prefixes });
    await rm(wheel);
    await rename(path.join(work, `${info}.dist-info`, 'METADATA'), path.join(work, 'METADATA'));
    await rm(path.join(work, `${info}.dist-info`), { recursive: true });
    if (spec.extra) await fetchExtra(context, stage, spec, python, work);
    for (const [link, target] of spec.runtimeLinks) await symlink(target, path.join(work, link));
    await rm(folder, { recursive: true });
    stage.done();
  } catch (error) {
    stage.fail();
    throw error;
  }
}

/**
 * The libraries of the wheel's dependency group (CUDA), each beside `tensorflow/`, one at a time to bound the disk use.
 * @param {SetupContext} context
 * @param {import('./progress.mjs').Stage} stage
 * @param {RuntimeSpec} spec
 * @param {string} python
 * @param {string} work
 */
async function fetchExtra(context, stage, spec, python, work) {
  const requirements = requirementsOfExtra(await readFile(path.join(work, 'METADATA'), 'utf8'), spec.extra);
  for (const requirement of requirements) {
    const folder = path.join(work, 'wheels', 'extra');
    const [wheel = ''] = await downloadWheels(context, stage, {
      python,
      spec,
      requirements: [requirement],
      folder,
      totalBytes: 0,
    });
    await unpackWheel(context, stage, { python, wheel, target: work, sha256: '', prefixes: ['nvidia/'] });
    await rm(folder, { recursive: true });
  }
}

/**
 * @param {SetupContext} context
 * @param {RuntimeSpec} spec
 * @param {string} dir
 * @param {import('./binding.mjs').LoadedBinding | {error: string}} loaded
 * @param {string} compiler version line, '' if unknown
 * @returns {Promise<string | null>} why the library does not load here, or null
 */
async function recordRuntime({ root }, spec, dir, loaded, compiler) {
  const loadError = 'error' in loaded ? loaded.error : null;
  const node = 'error' in loaded ? process.versions.node : loaded.node;
  const bindingSources = (await hashBindingSources(root)) ?? '';
  await writeRuntimeRecord(dir, spec, { builtWith: { bindingSources, compiler, node }, loadError });
  return loadError;
}

/**
 * A runtime that has all files but no record gets one if it loads.
 * @param {SetupContext} context
 * @param {RuntimeSpec} spec
 */
async function adoptExisting(context, spec) {
  const dir = runtimeFolder(context.cache, spec);
  const files = [BINDING_FILE, 'runtime.json'].map((name) => path.join(dir, name));
  const [hasBinding, hasRecord] = await Promise.all(
    files.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!hasBinding || hasRecord) return false;
  const stage = context.reporter.stage('TensorFlow runtime found');
  stage.update(null, 'checking');
  const loaded = await probeBinding(context, dir);
  if ('error' in loaded || loaded.version !== spec.version) {
    stage.done('does not load, making it again');
    return false;
  }
  await recordRuntime(context, spec, dir, loaded, '');
  stage.done('works, kept');
  return true;
}

/**
 * @param {SetupContext} context
 * @param {RuntimeSpec} spec
 */
async function requireSpaceFor({ cache }, spec) {
  const purpose = `TensorFlow ${spec.version}${spec.kind === 'cuda' ? ' with CUDA' : ''}`;
  await requireDiskSpace({ folder: cache, bytes: spec.diskBytes, purpose });
}

/** @param {string} runtimes */
async function removeWorkFolders(runtimes) {
  const names = await readdir(runtimes);
  const left = names.filter((name) => name.startsWith(WORK_PREFIX));
  await Promise.all(left.map((name) => rm(path.join(runtimes, name), { recursive: true, force: true, maxRetries: 3 })));
}

/**
 * @param {import('./progress.mjs').Stage} stage
 * @param {Shortfall} shortfall
 */
function endWith(stage, shortfall) {
  stage.fail();
  return shortfall;
}

/**
 * @param {string} fault
 * @param {BuildTools} tools
 * @returns {Shortfall}
 */
function describeCompilerFault(fault, tools) {
  return {
    reason: `the compiler could not build the TensorFlow binding (${tools.compilerVersion}):\n${fault}`,
    fix: 'Use g++ 9 or clang 10 or newer (choose one with CXX=/path/to/g++), then run: node scripts/setup.mjs',
  };
}

/**
 * @param {string} loadError
 * @returns {Shortfall}
 */
function describeLoadError(loadError) {
  return {
    reason: `TensorFlow does not run on this machine: ${loadError}`,
    fix: 'It needs a CPU with AVX and glibc 2.27 or newer. After a change of machine: node scripts/setup.mjs --force',
  };
}
