/**
 * @file How TensorFlow's XLA compiles kernels for fused chains (ops/fused.ts), and the folder in which it keeps them for later runs.
 *
 * TensorFlow writes and reads the files itself, one a kernel and size, 10 to 20 KB each, under names made of their contents; it compares
 * what it reads with what it would compile. The code in them is for one processor and one TensorFlow: whoever names the folder
 * (services/kernel-cache.ts) names another one for others. Source: tensorflow/compiler/jit/device_executable_persistor.h.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

/**
 * How XLA compiles kernels (ops/fused.ts). Sums over the last axis as one loop: cut in two, each would write its f32 values to memory in
 * between. And nothing by way of YNNPACK: it prepares a kernel at its first use without a lock, so two shards of a batch crash there.
 */
const FLAGS = '--xla_disable_hlo_passes=tree_reduction_rewriter --xla_cpu_experimental_ynn_fusion_type=';

/** Value of XLA_FLAGS: the user's own come last, so that they win where both say something. */
export const xlaFlags = (env: NodeJS.ProcessEnv = process.env): string =>
  [FLAGS, env['XLA_FLAGS']].filter((flags) => flags).join(' ');

/** Names the folder to a job; empty or not there = nothing is kept. */
export const KERNEL_CACHE_VARIABLE = 'TUNESMITH_KERNEL_CACHE';

/** How TensorFlow names its files, those that it is still writing included. */
const FILE_PREFIX = 'xla_compile_cache__';

/** What TensorFlow says of a file that is damaged or cannot be written. */
const FAULT = /xla_compile_cache__|Serialized cache key does not match|Read less bytes than requested/;

/** The folder that this process keeps kernels in, or null. */
export function kernelCacheFolder(env: NodeJS.ProcessEnv = process.env): string | null {
  const folder = env[KERNEL_CACHE_VARIABLE];
  // TensorFlow's own parser of flags knows no way to write a quote.
  return folder && !folder.includes("'") ? path.resolve(folder) : null;
}

/** Value of TF_XLA_FLAGS. */
export function kernelCacheFlags(folder: string): string {
  return `--tf_xla_persistent_cache_directory='${folder}' --tf_xla_persistent_cache_device_types=CPU`;
}

/** True for the text of an error that comes of the kept kernels. */
export function saysKernelCache(text: string): boolean {
  return kernelCacheFolder() !== null && FAULT.test(text);
}

/** Removes what TensorFlow has written there, and nothing else: the folder may be the user's own. */
export function emptyKernelCache(): void {
  const folder = kernelCacheFolder();
  if (folder === null || !existsSync(folder)) return;
  const kept = readdirSync(folder).filter((name) => name.startsWith(FILE_PREFIX));
  for (const name of kept) rmSync(path.join(folder, name), { force: true });
}

/**
 * Log lines of every kernel that is read, without meaning: files are tried as text first, and two hints to the compiler are taken for
 * abilities of the processor.
 */
const LOG_NOISE = /^.*(?:text_format\.cc.*XlaSerializedCacheEntry|cpu_aot_loader\.cc).*\n/gm;

/** What a job printed, without those lines. */
export const withoutKernelNoise = (text: string): string => text.replace(LOG_NOISE, '');
