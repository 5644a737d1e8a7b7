/**
 * @file The table of the part `data`: seconds of training to the loss that PyTorch ends with.
 */
import type { PartText } from '../results.ts';
import { median } from '../statistics.ts';
import { formatGigabytes, formatTable } from '../table.ts';
import { type CurvePoint, secondsTo } from './curve.ts';

export interface DataSample {
  readonly curve: readonly CurvePoint[];
  /** Of the whole program. */
  readonly wallSeconds: number;
  /** Until training begins: loading, and compiling where something is compiled. */
  readonly startSeconds: number;
  readonly peakBytes: number;
}

export interface DataResult {
  readonly arm: string;
  readonly side: 'ours' | 'theirs';
  readonly dtype: 'f32' | 'bf16';
  readonly samples: readonly DataSample[];
  readonly void: string | null;
  /** Evaluation of the starting adapter, ours only. */
  readonly startLoss?: number;
}

export interface DataFigures {
  readonly model: string;
  readonly rows: number;
  readonly tokens: number;
  readonly batch: number;
  readonly packedBatch: number;
  readonly learningRate: number;
  readonly epochs: number;
  readonly rounds: number;
  readonly results: readonly DataResult[];
}

/** What issue 4 asks. */
const WANTED = 0.4;

export const DATA_TEXT: PartText<DataFigures> = {
  title: 'Time to the same loss',
  method:
    'The sample task with its real lengths, only answers trained. PyTorch: the Trainer with PEFT, each batch padded to its longest row. ' +
    'Ours: rows packed, or batches of similar lengths. Same token ids and labels, same starting adapter (whose loss must be equal), same ' +
    'constant learning rate, as many rows an update. L* is what both PyTorch arms reach within their epochs. Seconds count training ' +
    'alone, on the straight line between evaluations; starting up and the whole program stand beside.',
  formatFigures(figures) {
    const { rows, tokens, batch, packedBatch, learningRate, epochs, rounds } = figures;
    const target = targetOf(figures);
    const facts =
      `${rows} rows, ${tokens} tokens; ${batch} rows an update (${packedBatch} packed rows of ours), learning rate ${learningRate}, ` +
      `PyTorch ${epochs} epochs, rounds: ${rounds}. L* = ${target?.toFixed(4) ?? 'unknown'}.`;
    const heads = [
      '',
      's to L*',
      'against PyTorch',
      's to begin',
      's whole program',
      'loss at the end',
      'peak memory GB',
    ];
    return [
      facts,
      '',
      formatTable(
        heads,
        figures.results.map((result) => cells(result, figures)),
      ),
      '',
    ].join('\n');
  },
};

/** The worse of PyTorch's final losses, so that both reach it; null where none ran. */
export function targetOf({ results }: DataFigures): number | null {
  const finals = results.flatMap(({ side, samples }) =>
    side === 'theirs' ? samples.flatMap(({ curve }) => curve.at(-1)?.loss ?? []) : [],
  );
  return finals.length === 0 ? null : Math.max(...finals);
}

/** Median over the rounds; null where a round never came there. */
function secondsOf({ samples }: DataResult, target: number | null): number | null {
  const found = samples.map(({ curve }) => (target === null ? null : secondsTo(curve, target)));
  return found.length === 0 || found.includes(null) ? null : median(found.filter((value) => value !== null));
}

/** PyTorch's faster arm: nobody would take the other. */
export function bestTheirs(figures: DataFigures): number | null {
  const target = targetOf(figures);
  const found = figures.results.flatMap((result) =>
    result.side === 'theirs' ? (secondsOf(result, target) ?? []) : [],
  );
  return found.length === 0 ? null : Math.min(...found);
}

function cells(result: DataResult, figures: DataFigures): string[] {
  if (result.void !== null) return [result.arm, `void: ${result.void}`, '', '', '', '', ''];
  const seconds = secondsOf(result, targetOf(figures));
  const theirs = bestTheirs(figures);
  const ratio = seconds === null || theirs === null ? null : seconds / theirs;
  const verdict = ratio !== null && result.side === 'ours' ? (ratio <= WANTED ? ', kept' : ', **missed**') : '';
  const middle = (pick: (sample: DataSample) => number): number => median(result.samples.map(pick));
  return [
    result.arm,
    seconds?.toFixed(1) ?? 'not reached',
    ratio === null ? '' : `${ratio.toFixed(2)}${verdict}`,
    middle(({ startSeconds }) => startSeconds).toFixed(1),
    middle(({ wallSeconds }) => wallSeconds).toFixed(1),
    middle(({ curve }) => curve.at(-1)?.loss ?? NaN).toFixed(4),
    formatGigabytes(middle(({ peakBytes }) => peakBytes)),
  ];
}
