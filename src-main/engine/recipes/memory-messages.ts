/**
 * @file What is said where memory is short: before a run, and when it has run out.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { formatSettings } from '../../../src-shared/domain/need-less.ts';
import type { NoticeEvent } from '../../../src-shared/domain/run-events.ts';
import type { PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import { makeNotice } from '../../../src-shared/domain/notices.ts';
import { saysOutOfMemory } from '../device/out-of-memory.ts';
import { proposeFit } from './fit-memory.ts';
import type { PreparedRun } from './prepare-run.ts';
import { memoryOf } from './run-memory.ts';

/** A run that did not fit is to need so much less. */
const LESS = 0.75;
const GENERAL_HINT =
  'Close other programs, or need less: a smaller training.per_device_train_batch_size (with more ' +
  'gradient_accumulation_steps), a shorter data.max_length, or a quantized base model.';

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** @returns what to tell before a run that will hardly fit; null where it fits. @param step steps done */
export function warnOfMemory(
  { fits, peak_bytes, available_bytes, proposal, limit }: PlannedMemory,
  step: number,
): NoticeEvent | null {
  if (fits) return null;
  const room = gigabytes(available_bytes);
  const have = limit === 'wasm' ? `the wasm engine can use ${room}` : `${room} are free`;
  const need = `The run may need ${gigabytes(peak_bytes)} of memory; ${have}.`;
  const tell = (fit_bytes: number | null, fit_settings: string, how: string): NoticeEvent => {
    const values = {
      peak_bytes,
      available_bytes,
      limit: limit === 'wasm' ? 'wasm' : 'machine',
      fit_bytes,
      fit_settings,
    } as const;
    return { event: 'notice', step, ...makeNotice('memory/tight', values, `${need} ${how}`) };
  };
  if (proposal === null) {
    return tell(null, '', 'No setting makes it fit: close other programs or choose a smaller model.');
  }
  const { settings, peak_bytes: fitBytes } = proposal;
  const named = formatSettings(settings);
  return { ...tell(fitBytes, named, `It would need ${gigabytes(fitBytes)} with ${named}`), settings };
}

/**
 * The same error, or, where memory ran out, one that says when and what to change.
 * @param step steps done
 * @param runDir of a run that can be resumed with the change; null = there is none
 */
export function explainMemory(
  error: unknown,
  run: PreparedRun,
  planned: PlannedMemory,
  step: number,
  runDir: string | null = null,
): unknown {
  if (error instanceof AppError || !(error instanceof Error) || !saysOutOfMemory(error.message)) return error;
  const proposeLess = () =>
    proposeFit(memoryOf(run), planned.checkpointing, planned.peak_bytes * LESS, planned.correction);
  // Where no setting was found to fit, a smaller one is no promise either.
  const proposal = planned.fits ? proposeLess() : planned.proposal;
  const where = step === 0 ? 'before the first step' : `after step ${step}`;
  const settings = proposal && formatSettings(proposal.settings);
  const change = settings === null ? GENERAL_HINT : `Need less: ${settings}`;
  const resume =
    runDir === null ? '' : `\nGo on with: ${['tunesmith resume', runDir, settings].filter(Boolean).join(' ')}`;
  return new AppError('memory/exhausted', `Memory ran out (training, ${where})`, {
    kind: 'environment',
    hint: `${change}${resume}`,
    cause: error,
  });
}
