/**
 * @file What this machine has: processor, memory, disks, graphics card. Read, never guessed: what cannot be had is null.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { freeBytesOf } from '../../scripts/setup/disk-space.mjs';
import { readFreeMemory } from '../engine/device/free-memory.ts';
import { chooseKeptBytes } from '../engine/recipes/weight-cache.ts';
import { USUAL_WEIGHT_CACHE, type WeightCacheChoice } from './weight-cache.ts';
import type { CpuFacts, DiskFacts, GpuFacts, MemoryFacts } from '../../src-shared/domain/machine.ts';

export type { CpuFacts, DiskFacts, GpuFacts, MemoryFacts };

/** The sets that TensorFlow's kernels ask for; bf16 and int8 units are what makes low precision fast. */
const FEATURES = [
  'avx',
  'avx2',
  'fma',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_tile',
  'amx_bf16',
  'amx_int8',
  'asimd',
  'bf16',
  'i8mm',
];
const NVIDIA_SMI_TIMEOUT_MS = 10_000;
const MEBIBYTE = 1024 * 1024;

export async function readCpuFacts(): Promise<CpuFacts> {
  const model = cpus()[0]?.model.trim() || 'unknown processor';
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => null);
  return { model, cores: availableParallelism(), features: text === null ? null : parseCpuFeatures(text) };
}

/** @param text /proc/cpuinfo: a `flags` (x86) or `Features` (ARM) line for each core, all alike */
export function parseCpuFeatures(text: string): string[] {
  const [, flags = ''] = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text) ?? [];
  const present = new Set(flags.split(/\s+/));
  return FEATURES.filter((name) => present.has(name));
}

/**
 * @param card that runs compute on; null = on the processor
 * @throws config/invalid where the weight cache is no number
 */
export function readMemoryFacts(
  { source, megabytes }: WeightCacheChoice = USUAL_WEIGHT_CACHE,
  card: GpuFacts | null = null,
): MemoryFacts {
  const { freeBytes, limitBytes } = readFreeMemory();
  return {
    totalBytes: totalmem(),
    availableBytes: freeBytes,
    limitBytes,
    weightCacheBytes: chooseKeptBytes(0, card?.freeBytes ?? null, megabytes),
    weightCacheSource: source,
  };
}

/** What a run can use now: of the first card where it runs there, else of the machine. */
export async function readAvailableMemory(usesGpu: boolean): Promise<number> {
  const [card] = usesGpu ? await readGpuFacts() : [];
  return card?.freeBytes ?? readMemoryFacts().availableBytes;
}

/** @param folder need not exist yet */
export async function readDiskFacts(folder: string): Promise<DiskFacts> {
  return { folder, freeBytes: await freeBytesOf(folder) };
}

/** NVIDIA cards that the driver knows, empty without a driver. */
export async function readGpuFacts(): Promise<GpuFacts[]> {
  const args = ['--query-gpu=name,memory.total,memory.free,driver_version', '--format=csv,noheader,nounits'];
  const text = await new Promise<string>((resolve) => {
    execFile('nvidia-smi', args, { timeout: NVIDIA_SMI_TIMEOUT_MS }, (error, stdout) => resolve(error ? '' : stdout));
  });
  return parseGpuFacts(text);
}

/** @param text one `name, MiB, free MiB, driver` line for each card */
export function parseGpuFacts(text: string): GpuFacts[] {
  return text.split('\n').flatMap((line) => {
    const [name, mebibytes, free, driverVersion] = line.split(',').map((part) => part.trim());
    const [total, left] = [Number(mebibytes || 'none'), Number(free || 'none')];
    if (!name || !driverVersion || !Number.isFinite(total) || !Number.isFinite(left)) return [];
    return [{ name, memoryBytes: total * MEBIBYTE, freeBytes: left * MEBIBYTE, driverVersion }];
  });
}
