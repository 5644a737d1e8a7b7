/**
 * @file What earlier runs on this machine took over what was estimated for them: corrects the next estimate.
 */
import { readEvents } from '../jobs/event-log.ts';
import { listRuns } from '../store/runs.ts';
import type { History } from './history.ts';

/** The newest runs count. */
const RUNS = 12;
/** With fewer the estimate stays as it is; a single odd run must not turn it. */
const LEAST_RUNS = 3;
const RANGE = [0.8, 1.5] as const;

/** @returns median of measured over predicted; 1 where too little is known */
export async function readMemoryCorrection(history: History): Promise<number> {
  const runs = listRuns(await history.open()).filter(
    ({ state, peak_memory_bytes: peak }) => state === 'finished' && peak,
  );
  const ratios = runs.slice(0, RUNS).flatMap(({ dir, peak_memory_bytes: peak }) => {
    const predicted = readPrediction(dir);
    return predicted ? [peak! / predicted] : [];
  });
  if (ratios.length < LEAST_RUNS) return 1;
  const middle = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)]!;
  return Math.min(RANGE[1], Math.max(RANGE[0], middle));
}

/** Of a run's last session; null where its folder is gone or it knew none. */
function readPrediction(dir: string): number | null {
  try {
    const starts = readEvents(dir).filter((event) => event.event === 'start');
    return starts.at(-1)?.predicted_memory_bytes ?? null;
  } catch {
    return null;
  }
}
