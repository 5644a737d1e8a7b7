import { afterEach, expect, it, vi } from 'vitest';
import {
  kernelCacheFlags,
  kernelCacheFolder,
  saysKernelCache,
  withoutKernelNoise,
  xlaFlags,
} from '../../../../src-main/engine/device/kernel-cache.ts';

afterEach(() => void vi.unstubAllEnvs());

it('keeps nothing without a folder that TensorFlow’s flags can name', () => {
  expect(kernelCacheFolder({})).toBeNull();
  expect(kernelCacheFolder({ TUNESMITH_KERNEL_CACHE: '' })).toBeNull();
  expect(kernelCacheFolder({ TUNESMITH_KERNEL_CACHE: "/home/o'neil/kernels" })).toBeNull();
  expect(kernelCacheFolder({ TUNESMITH_KERNEL_CACHE: '/home/my files/kernels' })).toBe('/home/my files/kernels');
  expect(kernelCacheFlags('/home/my files/kernels')).toContain("='/home/my files/kernels' ");
});

it('knows TensorFlow’s words for a damaged file, where kernels are kept', () => {
  const said = 'Session fail to run with error: Serialized cache key does not match.';
  vi.stubEnv('TUNESMITH_KERNEL_CACHE', '');
  expect(saysKernelCache(said)).toBe(false);
  vi.stubEnv('TUNESMITH_KERNEL_CACHE', '/kernels');
  expect(saysKernelCache(said)).toBe(true);
  expect(saysKernelCache('/kernels/xla_compile_cache__1__2__XLA_CPU_JIT.pb.tmp; No space left on device')).toBe(true);
  expect(saysKernelCache('Session fail to run with error: Input is not invertible.')).toBe(false);
});

it('takes log lines without meaning out of what a job printed, and no others', () => {
  const printed =
    'E0000 00:00:1 3 text_format.cc:378] Error parsing text-format tensorflow.XlaSerializedCacheEntry: 2:1: Expected\n' +
    'E0000 00:00:1 3 cpu_aot_loader.cc:220] Loading XLA:CPU AOT result. Target machine feature +prefer-no-gather is not\n' +
    'E0000 00:00:1 3 conv.cc:1] a fault\nE0000 00:00:1 3 text_format.cc:3';
  expect(withoutKernelNoise(printed)).toBe('E0000 00:00:1 3 conv.cc:1] a fault\nE0000 00:00:1 3 text_format.cc:3');
});

it('compiles as the user wants where the user says so, and else as ours are compiled', () => {
  const ours = xlaFlags({});
  expect(ours).toContain('--xla_cpu_experimental_ynn_fusion_type=');
  expect(xlaFlags({ XLA_FLAGS: '--xla_dump_to=/tmp/x' })).toBe(`${ours} --xla_dump_to=/tmp/x`);
});
