/**
 * @file How much memory the graphics card can still give, where the runtime computes on one: what limits a run there, not the machine's.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const TIMEOUT_MS = 10_000;
const MEBIBYTE = 2 ** 20;

/** Asks the driver with nvidia-smi's arguments; null where there is no driver. */
export type AskDriver = (args: readonly string[]) => string | null;

/**
 * @param bindingPath of the runtime; set-up's record beside it says whether it is the one for CUDA
 * @param ask for tests
 * @returns free bytes of the card that TensorFlow takes, the first one it may see; null = runs compute on the processor
 */
export function readCardMemory(bindingPath: string | null, ask: AskDriver = askDriver): number | null {
  if (bindingPath === null || !isForCuda(bindingPath)) return null;
  const [card = '0'] = (process.env['CUDA_VISIBLE_DEVICES'] ?? '0').split(',');
  const text = ask([`--id=${card}`, '--query-gpu=memory.free', '--format=csv,noheader,nounits']);
  const mebibytes = Number(text?.trim() || 'none');
  return Number.isFinite(mebibytes) ? mebibytes * MEBIBYTE : null;
}

function isForCuda(bindingPath: string): boolean {
  try {
    const record: unknown = JSON.parse(readFileSync(path.join(path.dirname(bindingPath), 'runtime.json'), 'utf8'));
    return typeof record === 'object' && record !== null && 'kind' in record && record.kind === 'cuda';
  } catch {
    return false;
  }
}

function askDriver(args: readonly string[]): string | null {
  try {
    return execFileSync('nvidia-smi', args, {
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return null;
  }
}
