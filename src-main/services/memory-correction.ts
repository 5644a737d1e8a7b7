/**
 * @file What earlier runs on this machine took over what was estimated for them: corrects the next estimate.
 *
 * The weighted median of their ratios, with a ratio of 1 among them: a run of the same model and storage corrects the next one at once,
 * while a single run of another kind changes nothing.
 */
import type { RunRecord } from '../../src-shared/domain/history.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { readEvents } from '../jobs/event-log.ts';
import { listRuns } from '../store/runs.ts';
import type { History } from './history.ts';

/** The newest runs count. */
const RUNS = 12;
const RANGE = [0.8, 1.5] as const;
/** What the estimate itself weighs, beside runs of the same kind and of others. */
const ESTIMATE_WEIGHT = 2;
const SAME_WEIGHT = 3;
const OTHER_WEIGHT = 1;

/** A run's measured peak over its estimate. */
export interface MeasuredRatio {
  readonly ratio: number;
  /** It had the model and the storage of the run that is estimated. */
  readonly isSame: boolean;
}

/**
 * @param config of the run that is to be estimated, its paths absolute
 * @returns a factor on the estimate
 */
export async function readMemoryCorrection(history: History, config: RunConfig): Promise<number> {
  const runs = listRuns(await history.open()).filter(
    ({ state, peak_memory_bytes: peak }) => state === 'finished' && peak,
  );
  const measured = runs.slice(0, RUNS).flatMap((run): MeasuredRatio[] => {
    const predicted = readPrediction(run.dir);
    return predicted ? [{ ratio: run.peak_memory_bytes! / predicted, isSame: isSameKind(run, config) }] : [];
  });
  return combineRatios(measured);
}

/** The weighted median; within a range, for beyond it something else was at work. */
export function combineRatios(measured: readonly MeasuredRatio[]): number {
  const weighted = [
    { ratio: 1, weight: ESTIMATE_WEIGHT },
    ...measured.map(({ ratio, isSame }) => ({ ratio, weight: isSame ? SAME_WEIGHT : OTHER_WEIGHT })),
  ].sort((a, b) => a.ratio - b.ratio);
  const half = weighted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let sum = 0;
  const middle = weighted.find(({ weight }) => (sum += weight) > half) ?? weighted.at(-1)!;
  return Math.min(RANGE[1], Math.max(RANGE[0], middle.ratio));
}

function isSameKind({ model_path, quantization }: RunRecord, { model, quantization: wanted }: RunConfig): boolean {
  return model_path === model.path && (wanted.method === undefined || quantization === wanted.method);
}

/**
 * The uncorrected estimate of a run's last session; null where its folder is gone or it knew none, and on a graphics card, whose memory is
 * not what is measured of a process.
 */
function readPrediction(dir: string): number | null {
  try {
    const start = readEvents(dir).findLast((event) => event.event === 'start');
    const predicted = start?.engine.endsWith('GPU') ? undefined : start?.predicted_memory_bytes;
    return predicted === undefined ? null : predicted / (start?.memory_correction ?? 1);
  } catch {
    return null;
  }
}
