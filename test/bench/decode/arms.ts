/**
 * @file The contestants of decoding and evaluation, and what their lines say.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import type { MeteredRun } from '../process-meter.ts';
import { lastWords } from '../surroundings.ts';

/** What both programs get. */
export interface DecodeSpec {
  readonly bindingPath: string;
  readonly model: string;
  readonly rows: string;
  /** Where transformers computes; ours computes where its runtime does. */
  readonly device: 'cpu' | 'cuda';
  readonly dtype: 'f32' | 'bf16';
  /** Prompts side by side. */
  readonly batches: readonly number[];
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly evalRows: number;
  /** Without the first, which warms up. */
  readonly repetitions: number;
}

export interface DecodeArm {
  readonly name: string;
  readonly side: 'ours' | 'theirs';
  readonly dtype: 'f32' | 'bf16';
}

export const DECODE_ARMS: readonly DecodeArm[] = [
  { name: 'transformers f32', side: 'theirs', dtype: 'f32' },
  { name: 'Tunesmith f32', side: 'ours', dtype: 'f32' },
  { name: 'transformers bf16', side: 'theirs', dtype: 'bf16' },
  { name: 'Tunesmith bf16', side: 'ours', dtype: 'bf16' },
];

/** One repetition; the milliseconds of one batch size or of the evaluation. */
export interface DecodeLine {
  readonly batch: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  readonly totalMs: number;
}

export interface DecodeSample {
  readonly lines: readonly DecodeLine[];
  readonly evaluateMs: readonly number[];
  readonly loss: number;
  /** Of the largest batch, row by row. */
  readonly tokens: readonly (readonly number[])[];
  readonly peakBytes: number;
}

export function decodeCommand(
  folder: string,
  python: string,
  arm: DecodeArm,
  spec: Omit<DecodeSpec, 'dtype'>,
): string[] {
  const file = path.join(folder, 'decode.json');
  writeFileSync(file, JSON.stringify({ ...spec, dtype: arm.dtype } satisfies DecodeSpec));
  const program = (name: string): string => path.join(REPO_ROOT, 'test/bench', name);
  if (arm.side === 'ours') return [process.execPath, program('decode/decode-program.ts'), file];
  return [python, '-B', program('python/decode.py'), file];
}

/** @returns what went wrong in place of figures */
export function readDecodeRun(run: MeteredRun): DecodeSample | string {
  if (run.code !== 0) return lastWords(run);
  const bodies = run.events.map(({ body }) => body);
  const counted = bodies.filter(({ repetition }) => Number(repetition) > 0);
  const decoded = counted.filter(({ batch }) => batch !== undefined);
  const evaluated = counted.filter(({ evaluate_ms: ms }) => ms !== undefined);
  return {
    lines: decoded.map((body) => ({
      batch: Number(body.batch),
      prefillMs: Number(body.prefill_ms),
      decodeMs: Number(body.decode_ms),
      totalMs: Number(body.total_ms),
    })),
    evaluateMs: evaluated.map((body) => Number(body.evaluate_ms)),
    loss: Number(evaluated.at(-1)?.loss),
    tokens: (decoded.at(-1)?.tokens ?? []) as number[][],
    peakBytes: run.treePeakBytes,
  };
}
