/**
 * @file The ladder as a table: tokens a second and memory of each rung, and the change against what it builds on.
 */
import type { PartText } from '../results.ts';
import { formatChange, formatGigabytes, formatTable } from '../table.ts';
import { NOT_SEPARABLE } from './rungs.ts';

interface RungFigures {
  /** Tokens that are not padding. */
  readonly tokensPerSecond: number;
  readonly labelsPerSecond: number;
  readonly peakBytes: number;
  readonly steps: number;
}

export type RungResult = { readonly name: string; readonly against: string | null } & (
  RungFigures | { readonly fault: string }
);

export interface LadderFigures {
  readonly model: string;
  readonly paddedRows: number;
  readonly packedRows: number;
  readonly rungs: readonly RungResult[];
}

export const LADDER_TEXT: PartText<LadderFigures> = {
  title: 'Ladder',
  method:
    'What each lever gives: the sample task’s rows (real lengths), LoRA r=8 on all linear layers, the engine alone in a fresh process per ' +
    'rung. tokens/s counts tokens that are not padding; kernels of fused chains are compiled before the steps that count. A rung is the one ' +
    `above and one more change; the lines that begin with “with” or “without” change the whole ladder in one point. ${NOT_SEPARABLE}`,
  formatFigures({ paddedRows, packedRows, rungs }) {
    const heads = ['', 'tokens/s', 'change', 'peak memory GB', 'change'];
    const note = `${paddedRows} padded rows or ${packedRows} packed rows a step.`;
    return [
      note,
      '',
      formatTable(
        heads,
        rungs.map((rung) => cells(rung, rungs)),
      ),
      '',
    ].join('\n');
  },
};

function cells(rung: RungResult, rungs: readonly RungResult[]): string[] {
  if ('fault' in rung) return [rung.name, rung.fault, '', '', ''];
  const before = rungs.find(({ name }) => name === rung.against);
  const base = before && !('fault' in before) ? before : null;
  return [
    rung.name,
    rung.tokensPerSecond.toFixed(0),
    base ? formatChange(rung.tokensPerSecond, base.tokensPerSecond) : '',
    formatGigabytes(rung.peakBytes),
    base ? formatChange(rung.peakBytes, base.peakBytes) : '',
  ];
}
