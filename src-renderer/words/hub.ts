/**
 * @file Words of models and downloads.
 */
import type { ModelFit } from '../../src-shared/domain/models.ts';
import { formatBytes } from './format.ts';

const STORED: Readonly<Record<ModelFit['precision'], string>> = {
  bf16: 'in 16 bits',
  int8: 'in 8 bits',
  nf4: 'in 4 bits',
};

/** Why a model fits, or does not. */
export function fitReason({ verdict, precision, needed_bytes, available_bytes }: ModelFit): string {
  const [needed, free] = [formatBytes(needed_bytes), formatBytes(available_bytes)];
  if (verdict === 'too-much') return `Training needs about ${needed} even ${STORED[precision]}; ${free} are free.`;
  return `Training needs about ${needed} ${STORED[precision]}; ${free} are free.`;
}
