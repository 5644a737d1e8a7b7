import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkDevice,
  checkEngine,
  checkHomeDisk,
  checkHomeWritable,
  checkMemory,
  checkNode,
  checkProcessor,
  checkWeightCache,
} from '../../../src-main/services/doctor.ts';
import type { RuntimeStatus } from '../../../src-main/services/engine-service.ts';
import { parseCpuFeatures, parseGpuFacts } from '../../../src-main/services/machine-facts.ts';

const CPU: RuntimeStatus = { kind: 'cpu', state: 'ready', version: '2.21.0', dir: '/r', detail: '' };
const CUDA: RuntimeStatus = { ...CPU, kind: 'cuda' };
const CARD = { name: 'NVIDIA L4', memoryBytes: 24e9, freeBytes: 20e9, driverVersion: '470.1' };
const MEMORY = { totalBytes: 32e9, weightCacheBytes: 2e9, weightCacheSource: 'free' as const };
const PROCESSOR = { kind: 'cpu', name: 'EPYC' } as const;

describe('device', () => {
  it('is content with a card that is used, and without any card', () => {
    const used = { device: { kind: 'gpu', name: 'NVIDIA L4' } as const, gpus: [CARD], runtime: CUDA };
    expect(checkDevice(used)).toEqual({ name: 'Device', state: 'ok', detail: 'NVIDIA L4', fix: '' });
    expect(checkDevice({ device: PROCESSOR, gpus: [], runtime: CPU }).state).toBe('ok');
  });

  it('warns of every way to have a card and not use it', () => {
    expect(checkDevice({ device: PROCESSOR, gpus: [CARD], runtime: CPU })).toMatchObject({
      state: 'warn',
      fix: expect.stringContaining('engine install --cuda'),
    });
    expect(checkDevice({ device: PROCESSOR, gpus: [CARD], runtime: CUDA }).detail).toContain('driver 470.1');
    expect(checkDevice({ device: PROCESSOR, gpus: [], runtime: CUDA }).fix).toContain('nvidia-smi');
    const torn = { ...CUDA, detail: 'cannot load libcusolver.so.11' };
    expect(checkDevice({ device: PROCESSOR, gpus: [CARD], runtime: torn })).toMatchObject({
      detail: expect.stringContaining('libcusolver.so.11'),
      fix: expect.stringContaining('engine install --cuda'),
    });
  });
});

describe('engine', () => {
  it('tells ready, missing, broken and wasm apart', () => {
    expect(checkEngine({ runtime: CPU })).toMatchObject({ state: 'ok', detail: 'TensorFlow 2.21.0 (cpu)' });
    expect(checkEngine({ runtime: { ...CPU, state: 'missing' } }).state).toBe('warn');
    expect(checkEngine({ runtime: { ...CUDA, state: 'broken', detail: 'no such symbol' } })).toMatchObject({
      state: 'fail',
      detail: 'TensorFlow is installed, but no such symbol',
      fix: expect.stringContaining('--cuda'),
    });
    expect(checkEngine({ runtime: { ...CPU, kind: 'wasm' } }).fix).toContain('TUNESMITH_ENGINE');
  });
});

it('asks for Node 24', () => {
  expect(checkNode({ node: '24.0.0' }).state).toBe('ok');
  expect(checkNode({ node: '22.9.0' }).state).toBe('fail');
});

it('knows the processors that TensorFlow runs on', () => {
  const facts = (features: string[] | null) => ({ cpu: { model: 'M', cores: 2, features }, threads: 2 });
  expect(checkProcessor(facts(['avx', 'avx2'])).state).toBe('ok');
  expect(checkProcessor(facts(['asimd'])).state).toBe('ok');
  expect(checkProcessor(facts(null)).state).toBe('ok');
  expect(checkProcessor(facts([]))).toMatchObject({ state: 'fail', fix: expect.stringContaining('wasm') });
});

it.each([
  [1e9, 'fail'],
  [4e9, 'warn'],
  [16e9, 'ok'],
])('judges %d bytes of free memory', (availableBytes, state) => {
  expect(checkMemory({ memory: { ...MEMORY, availableBytes, limitBytes: null } }).state).toBe(state);
});

it('names the limit of a container', () => {
  const { detail } = checkMemory({ memory: { ...MEMORY, availableBytes: 7e9, limitBytes: 8e9 } });
  expect(detail).toBe('7.0 GB free of 32.0 GB, limited to 8.0 GB for this process');
});

it('says how much expanded weights may take, and who said so', () => {
  const memory = { ...MEMORY, availableBytes: 16e9, limitBytes: null };
  expect(checkWeightCache({ memory })).toMatchObject({
    state: 'ok',
    detail: 'up to 2.0 GB for expanded copies of 4-bit and 8-bit weights (an eighth of what is free)',
  });
  const told = { ...memory, weightCacheBytes: 0, weightCacheSource: 'environment' as const };
  expect(checkWeightCache({ memory: told }).detail).toMatch(/^up to 0 .*\(TUNESMITH_WEIGHT_CACHE_MB says so\)$/);
});

it.each([
  [1e8, 'fail'],
  [2e9, 'warn'],
  [2e10, 'ok'],
])('judges %d bytes of free disk', (freeBytes, state) => {
  expect(checkHomeDisk({ homeDisk: { folder: '/h', freeBytes } }).state).toBe(state);
});

it('accepts a home that can be made, and refuses one below a file', async () => {
  expect((await checkHomeWritable(path.join(tmpdir(), 'not', 'there'))).state).toBe('ok');
  expect((await checkHomeWritable(path.join(import.meta.filename, 'home'))).state).toBe('fail');
});

it('reads processor features, in their order, on x86 and ARM', () => {
  expect(parseCpuFeatures('processor: 0\nflags\t\t: fpu avx2 sse avx amx_bf16\n\nprocessor: 1\n')).toEqual([
    'avx',
    'avx2',
    'amx_bf16',
  ]);
  expect(parseCpuFeatures('Features\t: fp asimd bf16\n')).toEqual(['asimd', 'bf16']);
  expect(parseCpuFeatures('')).toEqual([]);
});

it('reads graphics cards, and nothing from an error text', () => {
  expect(parseGpuFacts('NVIDIA H100 80GB HBM3, 81559, 80000, 550.54.15\n')).toEqual([
    {
      name: 'NVIDIA H100 80GB HBM3',
      memoryBytes: 81559 * 1024 * 1024,
      freeBytes: 80000 * 1024 * 1024,
      driverVersion: '550.54.15',
    },
  ]);
  expect(parseGpuFacts('NVIDIA-SMI has failed because it could not communicate with the driver')).toEqual([]);
});
