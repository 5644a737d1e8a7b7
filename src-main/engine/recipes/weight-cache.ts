/**
 * @file How much memory expanded copies of quantized weights may take (src-main/engine/weights/plan.ts): a setting of the device, which
 * a job gets in its environment (src-main/services/weight-cache.ts).
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { freeMemoryBytes } from '../device/free-memory.ts';

/** Share of the memory that the work leaves free. Small enough that 4-bit weights stay what they are chosen for: small. */
const SHARE = 0.125;

export const WEIGHT_CACHE_VARIABLE = 'TUNESMITH_WEIGHT_CACHE_MB';

/**
 * What is wanted, else a share of what is left.
 * @param neededBytes what the work takes without copies
 * @param cardBytes free on the graphics card that does the work; null = the processor does
 * @param wanted megabytes; undefined or '' = chosen here
 * @throws config/invalid where it is no number
 */
export function chooseKeptBytes(
  neededBytes: number,
  cardBytes: number | null,
  wanted = process.env[WEIGHT_CACHE_VARIABLE],
): number {
  if (!wanted) return Math.max(0, Math.floor(((cardBytes ?? freeMemoryBytes()) - neededBytes) * SHARE));
  const megabytes = Number(wanted);
  if (megabytes >= 0) return megabytes * 1e6;
  const message = `${WEIGHT_CACHE_VARIABLE} is ${JSON.stringify(wanted)}`;
  throw new AppError('config/invalid', message, { hint: 'Give it megabytes, 0 for none, or unset it.' });
}
