/**
 * @file Asks a runtime what it is, by loading it in a process of its own: loading keeps 330 MB until the process ends, and a
 * library that does not fit the processor takes its process down.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROBE_SCRIPT = fileURLToPath(new URL('../../scripts/setup/probe-binding.mjs', import.meta.url));
/** Loading takes 1 to 2 s from a warm disk; a cold network disk may need ten times that. */
const PROBE_TIMEOUT_MS = 20_000;

export interface LoadedRuntime {
  /** What the library itself says. */
  readonly version: string;
  /** True if it computes on a graphics card. */
  readonly usesGpu: boolean;
  /** Libraries whose lack keeps it from using a card, the driver's own (libcuda) left out; empty where it uses one. */
  readonly missingLibraries: readonly string[];
}

/** TensorFlow says only to its log which library it could not open. */
const LOG_OF_LIBRARIES = { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'dso_loader=2' };

/** @returns what the loaded library says, or why it does not load (one line) */
export async function probeRuntime(bindingPath: string): Promise<LoadedRuntime | { readonly fault: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...LOG_OF_LIBRARIES };
    const options = { timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL' as const, env };
    execFile(process.execPath, [PROBE_SCRIPT, bindingPath], options, (error, stdout, stderr) => {
      if (error) resolve({ fault: describeFault(error, stderr) });
      else resolve(readProbe(stdout, stderr));
    });
  });
}

/** @param log what TensorFlow said while it was loaded */
export function readProbe(stdout: string, log: string): LoadedRuntime | { readonly fault: string } {
  const line = JSON.parse(stdout) as { version: string; gpu: boolean; product: number };
  if (line.product !== 6) return { fault: `it computes 2 x 3 = ${line.product}` };
  const missed = [...log.matchAll(/Could not load dynamic library '([^']+)'/g)].map(([, name = '']) => name);
  const missingLibraries = [...new Set(missed)].filter((name) => !name.startsWith('libcuda.'));
  return { version: line.version, usesGpu: line.gpu, missingLibraries: line.gpu ? [] : missingLibraries };
}

function describeFault(error: { killed?: boolean; signal?: NodeJS.Signals | null }, stderr: string): string {
  if (error.killed) return `it did not load within ${PROBE_TIMEOUT_MS / 1000} s`;
  if (error.signal)
    return `loading it ended the process (${error.signal}): a processor without AVX, or too little memory`;
  const line = stderr.split('\n').find((text) => /Error:|undefined symbol/.test(text));
  return line?.trim() ?? 'it could not be loaded';
}
