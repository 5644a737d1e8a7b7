/**
 * @file Figures of a check as people read them: shares in per cent, all else as it is.
 */
import { formatFigure, formatPercent } from './format.ts';

const SHARES = new Set([
  'exact_match',
  'accuracy',
  'f1',
  'f1_weighted',
  'mean_token_accuracy',
  'rouge_l',
  'masked_accuracy',
]);

/** Whether a figure lies between nothing and all. */
export const isShare = (name: string): boolean => SHARES.has(name);

/** @param name the engine's */
export function formatNamed(name: string, value: number): string {
  return isShare(name) ? formatPercent(value) : formatFigure(value);
}
