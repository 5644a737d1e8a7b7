/**
 * @file How much memory expanded copies of quantized weights may take (src-main/engine/weights/plan.ts): a setting of the device.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { freeMemoryBytes } from '../device/free-memory.ts';

/** Share of the memory that the work leaves free. Small enough that 4-bit weights stay what they are chosen for: small. */
const SHARE = 0.125;

/**
 * `TUNESMITH_WEIGHT_CACHE_MB`, else a share of what is left.
 * @param neededBytes what the work takes without copies
 * @throws config/invalid where the setting is no number
 */
export function chooseKeptBytes(neededBytes: number): number {
  const wanted = process.env['TUNESMITH_WEIGHT_CACHE_MB'];
  if (!wanted) return Math.max(0, Math.floor((freeMemoryBytes() - neededBytes) * SHARE));
  const megabytes = Number(wanted);
  if (megabytes >= 0) return megabytes * 2 ** 20;
  const message = `TUNESMITH_WEIGHT_CACHE_MB is ${JSON.stringify(wanted)}`;
  throw new AppError('config/invalid', message, { hint: 'Give it megabytes, 0 for none, or unset it.' });
}
