/**
 * @file How much of the first graphics card's memory is in use, as its driver tells it from outside, looked at five times a second. The
 * libraries on both sides keep what they once took, so no peak lies between two looks.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const LOOK_MS = 200;
const MEBIBYTE = 2 ** 20;

export interface CardMeter {
  /** Most bytes in use since the start, less what was in use then. */
  peakBytes(): number;
  stop(): void;
}

/** Looks once before it comes back. @throws where nvidia-smi cannot be run or ends */
export async function watchCard(): Promise<CardMeter> {
  const args = ['--id=0', '--query-gpu=memory.used', '--format=csv,noheader,nounits', `--loop-ms=${LOOK_MS}`];
  const child = spawn('nvidia-smi', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const readings: number[] = [];
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => reject(new Error(`nvidia-smi ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      readings.push(Number(line) * MEBIBYTE);
      resolve();
    });
  });
  return {
    peakBytes: () => readings.reduce((most, bytes) => Math.max(most, bytes), 0) - readings[0]!,
    stop: () => void child.kill(),
  };
}
