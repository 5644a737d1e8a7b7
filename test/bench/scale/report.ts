/**
 * @file The curves of the part `scale` as tables.
 */
import type { PartText } from '../results.ts';
import { formatGigabytes, formatTable } from '../table.ts';
import type { BatchShape } from '../workloads.ts';

interface Measured {
  readonly tokensPerSecond: number;
  readonly peakBytes: number;
}

export type ScalePoint = {
  readonly label: string;
  readonly model: string;
  readonly shape: BatchShape;
  /** Values in the matrices that a token is multiplied with, the output head included. */
  readonly matrixValues: number;
} & (Measured | { readonly fault: string });

export interface ScaleFigures {
  readonly axis: string;
  readonly points: readonly ScalePoint[];
}

export const SCALE_TEXT: PartText<ScaleFigures> = {
  title: 'Scale',
  method:
    'Ours alone, through the command line, bf16, LoRA r=8 on all linear layers, every token trained; one run of a few steps each. ' +
    'tokens/s times N (the values of all matrices that a token is multiplied with) is flat where the products rule.',
  formatFigures({ axis, points }) {
    const heads = [axis, 'model', 'rows x tokens', 'tokens/s', 'tokens/s x N, 10^9', 'peak memory GB'];
    return `${formatTable(heads, points.map(cells))}\n`;
  },
};

function cells(point: ScalePoint): string[] {
  const { label, model, shape, matrixValues } = point;
  const head = [label, model, `${shape.batch}x${shape.seq}`];
  if ('fault' in point) return [...head, point.fault, '', ''];
  const { tokensPerSecond, peakBytes } = point;
  const flat = ((tokensPerSecond * matrixValues) / 1e9).toFixed(0);
  return [...head, tokensPerSecond.toFixed(0), flat, formatGigabytes(peakBytes)];
}
