/**
 * @file Doctor: what stands in the way of a run on this machine, each with what mends it.
 *
 * `runDoctor` gathers the facts; each check judges the facts that it is given, so that every verdict can be tested.
 */
import { findBuildTools, isShortfall } from '../../scripts/setup/build-tools.mjs';
import { canWriteFolder, formatBytes } from '../../scripts/setup/disk-space.mjs';
import type { CheckState, DoctorCheck, EngineStatus } from '../../src-shared/domain/machine.ts';
import { homeFolder } from './app-paths.ts';
import { getEngineStatus } from './engine-service.ts';
import { installCommand } from './runtime-locator.ts';
import { WEIGHT_CACHE_ORIGINS, type WeightCacheChoice } from './weight-cache.ts';

export type { CheckState, DoctorCheck };

const OLDEST_NODE = 24;
/** TensorFlow alone takes a third of a gigabyte; below this hardly any model fits beside it. */
const LEAST_MEMORY_BYTES = 1.5e9;
/** Below this only models of some hundred million parameters fit. */
const COMFORTABLE_MEMORY_BYTES = 6e9;
const LEAST_DISK_BYTES = 0.5e9;
/** Checkpoints and a merged copy of a small model. */
const COMFORTABLE_DISK_BYTES = 5e9;

/** Checks the machine, the runtime and the folders. Takes seconds, since it loads the runtime. */
export async function runDoctor(weightCache?: WeightCacheChoice): Promise<DoctorCheck[]> {
  const status = await getEngineStatus(weightCache);
  const home = homeFolder();
  const checks = [checkNode(status), checkEngine(status)];
  if (status.runtime.state !== 'ready') checks.push(await checkBuildTools());
  checks.push(checkDevice(status), checkProcessor(status), checkMemory(status));
  checks.push(checkWeightCache(status), checkHomeDisk(status));
  checks.push(await checkHomeWritable(home));
  return checks;
}

export function checkNode({ node }: Pick<EngineStatus, 'node'>): DoctorCheck {
  const isRecent = Number(node.split('.')[0]) >= OLDEST_NODE;
  if (isRecent) return ok('Node', node);
  return fail('Node', `${node}, needed ${OLDEST_NODE} or newer`, 'node scripts/setup.mjs');
}

export function checkEngine({ runtime }: Pick<EngineStatus, 'runtime'>): DoctorCheck {
  const name = 'Engine';
  if (runtime.kind === 'wasm') {
    return warn(name, `wasm (${runtime.detail}): small models only, slow`, 'unset TUNESMITH_ENGINE');
  }
  const fix = installCommand(runtime.kind);
  if (runtime.state === 'ready') return ok(name, `TensorFlow ${runtime.version} (${runtime.kind})`);
  if (runtime.state === 'broken') return fail(name, `TensorFlow is installed, but ${runtime.detail}`, fix);
  return warn(name, 'TensorFlow is not installed: wasm engine, small models only, slow', fix);
}

/** A card that is not used is the commonest reason for a slow run, so each way to that is named. */
export function checkDevice({ device, gpus, runtime }: Pick<EngineStatus, 'device' | 'gpus' | 'runtime'>): DoctorCheck {
  const name = 'Device';
  if (device.kind === 'gpu') return ok(name, device.name);
  const [card] = gpus;
  if (card && runtime.kind !== 'cuda') {
    return warn(name, `${card.name} is here, but runs use the processor`, installCommand('cuda'));
  }
  if (card) {
    const detail = `${card.name} is here (driver ${card.driverVersion}), but the CUDA runtime does not use it`;
    if (runtime.detail !== '') return warn(name, `${detail}: it ${runtime.detail}`, installCommand('cuda'));
    return warn(name, detail, 'Install NVIDIA driver 525 or newer, then start again.');
  }
  if (runtime.kind === 'cuda') {
    return warn(
      name,
      `${device.name}: the CUDA runtime found no card`,
      'Install the NVIDIA driver (nvidia-smi must list the card).',
    );
  }
  return ok(name, `${device.name} (no NVIDIA card found)`);
}

export function checkProcessor({ cpu, threads }: Pick<EngineStatus, 'cpu' | 'threads'>): DoctorCheck {
  const name = 'Processor';
  const cores = `${cpu.model}, ${threads} thread${threads === 1 ? '' : 's'}`;
  if (cpu.features === null) return ok(name, cores);
  const detail = `${cores}; ${cpu.features.join(' ') || 'no vector units known'}`;
  const hasVectors = cpu.features.includes('avx') || cpu.features.includes('asimd');
  if (!hasVectors)
    return fail(name, `${detail}: TensorFlow needs AVX`, 'Use TUNESMITH_ENGINE=wasm, or another machine.');
  return ok(name, detail);
}

export function checkMemory({ memory }: Pick<EngineStatus, 'memory'>): DoctorCheck {
  const name = 'Memory';
  const { totalBytes, availableBytes, limitBytes } = memory;
  const limit = limitBytes === null ? '' : `, limited to ${formatBytes(limitBytes)} for this process`;
  const detail = `${formatBytes(availableBytes)} free of ${formatBytes(totalBytes)}${limit}`;
  if (availableBytes < LEAST_MEMORY_BYTES) return fail(name, detail, 'Close other programs, or raise the limit.');
  if (availableBytes < COMFORTABLE_MEMORY_BYTES)
    return warn(name, detail, 'Enough for small models only: close other programs.');
  return ok(name, detail);
}

/** No fault either way: it says what the setting is and how to have another. */
export function checkWeightCache({ memory }: Pick<EngineStatus, 'memory'>): DoctorCheck {
  const size = formatBytes(memory.weightCacheBytes);
  const origin = WEIGHT_CACHE_ORIGINS[memory.weightCacheSource];
  return ok('Weight cache', `up to ${size} for expanded copies of 4-bit and 8-bit weights (${origin})`);
}

export function checkHomeDisk({ homeDisk }: Pick<EngineStatus, 'homeDisk'>): DoctorCheck {
  const name = 'Disk';
  const detail = `${formatBytes(homeDisk.freeBytes)} free for ${homeDisk.folder}`;
  const fix = 'Free some space, or put the folder elsewhere: export TUNESMITH_HOME=/path/on/a/larger/disk';
  if (homeDisk.freeBytes < LEAST_DISK_BYTES) return fail(name, detail, fix);
  return homeDisk.freeBytes < COMFORTABLE_DISK_BYTES ? warn(name, detail, fix) : ok(name, detail);
}

/** @param home need not exist: then the folder that it would be made in counts */
export async function checkHomeWritable(home: string): Promise<DoctorCheck> {
  const name = 'Home folder';
  if (await canWriteFolder(home)) return ok(name, home);
  return fail(name, `${home} cannot be written`, 'export TUNESMITH_HOME=/path/you/own');
}

/** Asked only where TensorFlow is not ready: these are what its installation needs. */
async function checkBuildTools(): Promise<DoctorCheck> {
  const name = 'Installing TensorFlow';
  const tools = await findBuildTools();
  if (isShortfall(tools)) return warn(name, tools.reason, tools.fix);
  return ok(name, `pip and ${tools.compilerVersion} are here`);
}

function ok(name: string, detail: string): DoctorCheck {
  return { name, state: 'ok', detail, fix: '' };
}

function warn(name: string, detail: string, fix: string): DoctorCheck {
  return { name, state: 'warn', detail, fix };
}

function fail(name: string, detail: string, fix: string): DoctorCheck {
  return { name, state: 'fail', detail, fix };
}
