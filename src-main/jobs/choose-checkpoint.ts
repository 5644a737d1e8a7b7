/**
 * @file Which checkpoint a run is resumed from, and what happens to those that come after it.
 */
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import { makeNotice } from '../../src-shared/domain/notices.ts';
import type { LoadedCheckpoint } from '../engine/recipes/contract.ts';
import { findVerified, listCheckpoints, removeCheckpointsBeyond } from './checkpoint-store.ts';
import type { TrainRequest } from './protocol.ts';
import { type SetAside, setAsideBeyond } from './set-aside.ts';

export interface ChosenCheckpoint {
  /** null = from the first step. */
  readonly checkpoint: LoadedCheckpoint | null;
  /** What came later, where somebody went back on purpose. */
  readonly setAside: SetAside | null;
}

/** The one that was asked for, else the newest whose checksums hold. @throws checkpoint/missing, checkpoint/damaged */
export async function chooseCheckpoint(
  { runDir, checkpoint: step }: TrainRequest,
  report: (event: RunEvent) => void,
): Promise<ChosenCheckpoint> {
  if (step === undefined) return { checkpoint: await findNewest(runDir, report), setAside: null };
  const checkpoint = await findWanted(runDir, step);
  return { checkpoint, setAside: await setAsideBeyond(runDir, step) };
}

async function findWanted(runDir: string, step: number): Promise<LoadedCheckpoint> {
  const all = await listCheckpoints(runDir);
  const wanted = all.filter((candidate) => candidate.step === step);
  const { checkpoint } = await findVerified(wanted);
  if (checkpoint) return checkpoint;
  if (wanted.length > 0) {
    throw new AppError('checkpoint/damaged', `The checkpoint of step ${step} is damaged (a checksum differs)`, {
      hint: 'Choose another one.',
    });
  }
  const steps = all.map((candidate) => candidate.step).reverse();
  throw new AppError('checkpoint/missing', `${runDir} has no checkpoint of step ${step}`, {
    hint: steps.length === 0 ? 'It has none at all.' : `It has checkpoints of step ${steps.join(', ')}.`,
  });
}

/** Damaged ones are named and dropped. */
async function findNewest(runDir: string, report: (event: RunEvent) => void): Promise<LoadedCheckpoint | null> {
  const { checkpoint, damaged } = await findVerified(await listCheckpoints(runDir));
  const step = checkpoint?.step ?? 0;
  for (const { dir } of damaged) {
    const message = `${dir} is damaged (a checksum differs) and was left out.`;
    report({ event: 'notice', step, ...makeNotice('checkpoint/damaged', { dir }, message) });
  }
  if (!checkpoint) {
    const message = 'There is no checkpoint yet: the run starts from its first step.';
    report({ event: 'notice', step, ...makeNotice('checkpoint/none', {}, message) });
  }
  await removeCheckpointsBeyond(runDir, step);
  return checkpoint;
}
