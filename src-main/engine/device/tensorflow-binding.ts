/**
 * @file The native binding of @tensorflow/tfjs-node-gpu, loaded by path and used directly.
 *
 * We build the package's own C++ source against TensorFlow 2.21 (scripts/setup.mjs) and call it without the package's JavaScript:
 * bf16, int8 and 4-bit tensors exist only as raw ids there, and tfjs-core's tensors cannot hold them. Source of the traps:
 * binding/tfjs_backend.cc of tfjs-node-gpu 4.22.
 *
 * Traps kept in here: `createTensor` aliases the JavaScript memory (weights are copied once by the caller), error paths are plain
 * exceptions, the properties of the binding are not enumerable, environment variables count only before the first load.
 */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { BindingTensor, Device } from './device.ts';
import { kernelCacheFlags, kernelCacheFolder, xlaFlags } from './kernel-cache.ts';
import { saysOutOfMemory } from './out-of-memory.ts';
import type { ValueId } from './runner.ts';
import { usableThreads } from './threads.ts';

/** The part of the native interface that we use. */
export interface TensorFlowBinding extends Device {
  loadSavedModel(dir: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: readonly ValueId[], inputNames: string, outputNames: string): BindingTensor[];
  isUsingGpuDevice(): boolean;
  TF_Version: string;
}

export interface BindingOptions {
  /** Path of tfjs_binding.node inside an installed runtime. */
  readonly bindingPath: string;
  /** Parts of a step that run side by side and share the threads; 1 = each op may use all. */
  readonly shards?: number;
  /** CUDA only: bit-exact kernels, slower. */
  readonly deterministic?: boolean;
}

let loaded: { path: string; binding: TensorFlowBinding } | null = null;

/**
 * Loads TensorFlow into this process, once. Every later call into it blocks the calling thread: job processes only.
 * @throws engine/runtime-missing, engine/runtime-broken, engine/runtime-loaded (a second, different runtime), memory/exhausted.
 */
export function loadTensorFlow(options: BindingOptions): TensorFlowBinding {
  if (loaded) {
    if (loaded.path === options.bindingPath) return loaded.binding;
    throw new AppError('engine/runtime-loaded', 'Another TensorFlow runtime is already loaded in this process', {
      kind: 'environment',
    });
  }
  if (!existsSync(options.bindingPath)) {
    throw new AppError('engine/runtime-missing', `The TensorFlow runtime is not installed (${options.bindingPath})`, {
      kind: 'environment',
      hint: 'Run `node scripts/tunesmith.mjs engine install`.',
    });
  }
  setEnvironment(options);
  try {
    const require = createRequire(import.meta.url);
    const binding = require(options.bindingPath) as TensorFlowBinding;
    loaded = { path: options.bindingPath, binding };
    return binding;
  } catch (cause) {
    if (saysOutOfMemory(String(cause))) {
      throw new AppError('memory/exhausted', 'Memory ran out (while TensorFlow was loaded)', {
        kind: 'environment',
        hint: 'Close other programs, or raise the limit on memory that this program runs under.',
        cause,
      });
    }
    throw new AppError('engine/runtime-broken', `The TensorFlow runtime could not be loaded: ${String(cause)}`, {
      kind: 'environment',
      hint: 'Run `node scripts/tunesmith.mjs engine install` to build it again.',
      cause,
    });
  }
}

/** Variables that TensorFlow reads when its context is made; what the user set wins. */
function setEnvironment({ shards = 1, deterministic = false }: BindingOptions): void {
  const threads = usableThreads();
  // The user's number of threads is for all shards together.
  if (shards > 1) process.env['TF_NUM_INTRAOP_THREADS'] = String(Math.max(1, Math.floor(threads / shards)));
  process.env['XLA_FLAGS'] = xlaFlags();
  const kernels = kernelCacheFolder();
  const defaults: Record<string, string> = {
    TF_CPP_MIN_LOG_LEVEL: '2',
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: String(threads),
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // An f32 run computes in f32, as PyTorch's does: cuBLAS would round its operands to 10 bits otherwise.
    NVIDIA_TF32_OVERRIDE: '0',
    ...(kernels === null ? {} : { TF_XLA_FLAGS: kernelCacheFlags(kernels) }),
    ...(deterministic ? { TF_DETERMINISTIC_OPS: '1', TF_CUDNN_DETERMINISTIC: '1' } : {}),
  };
  for (const [name, value] of Object.entries(defaults)) process.env[name] ??= value;
}
