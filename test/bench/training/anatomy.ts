/**
 * @file Starts the program that takes one of our steps apart (anatomy-program.ts).
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import type { Storage } from '../own-config.ts';
import { AS_JOB, lastBody, lastWords, type Surroundings } from '../surroundings.ts';
import { OWN_BF16, OWN_F32, OWN_NF4, type Prepared } from './arms.ts';

/** Medians over the calls of one process. */
export interface Anatomy {
  /** Forward pass and loss alone, as evaluation runs them. */
  readonly forwardMs: number;
  /** Forward and backward together, less the above. */
  readonly backwardMs: number;
  /** Clipping and the optimizer's update. */
  readonly optimizerMs: number;
  /** Of a whole step: its wall time less the time inside TensorFlow's session. */
  readonly javascriptMs: number;
  /** Device values that JavaScript holds after the last step, and how many more than after the warm-up. */
  readonly liveTensors: number;
  readonly tensorsGained: number;
}

export interface ArmAnatomy {
  readonly arm: string;
  /** What went wrong in place of figures. */
  readonly anatomy: Anatomy | string;
}

const ARMS: readonly [arm: string, storage: Storage][] = [
  [OWN_F32, 'none'],
  [OWN_BF16, 'bf16'],
  [OWN_NF4, 'nf4'],
];
const CALLS = 4;

/** @param wanted only arms whose name holds this, lower case */
export async function measureAnatomy(
  surroundings: Surroundings,
  prepared: Prepared,
  label: string,
  wanted: string,
): Promise<ArmAnatomy[]> {
  const program = path.join(REPO_ROOT, 'test/bench/training/anatomy-program.ts');
  const spec = path.join(surroundings.folder, 'anatomy.json');
  const measured: ArmAnatomy[] = [];
  for (const [arm, storage] of ARMS.filter(([name]) => name.toLowerCase().includes(wanted))) {
    const { bindingPath } = surroundings;
    writeFileSync(spec, JSON.stringify({ bindingPath, calls: CALLS, run: { ...prepared, storage } }));
    const what = `${label}: parts of a step, ${arm}`;
    const run = await surroundings.run(what, [process.execPath, program, spec], AS_JOB);
    const anatomy = run.code === 0 ? (lastBody(run, what) as unknown as Anatomy) : lastWords(run);
    measured.push({ arm, anatomy });
  }
  return measured;
}
