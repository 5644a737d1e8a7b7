/**
 * @file Markdown tables and the few ways the bench writes figures.
 */
import type { Spread } from './statistics.ts';

const GIGA = 1e9;

/** The first column reads as text, the others as figures. */
export function formatTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

export function formatSpread({ median, low, high }: Spread, digits: number): string {
  const isOne = low === high;
  return isOne ? median.toFixed(digits) : `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}

export function formatGigabytes(bytes: number): string {
  return (bytes / GIGA).toFixed(2);
}

export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** Change against a row before: `+27 %`. */
export function formatChange(now: number, before: number): string {
  const change = 100 * (now / before - 1);
  return `${change >= 0 ? '+' : ''}${change.toFixed(0)} %`;
}
