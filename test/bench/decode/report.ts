/**
 * @file The table of the part `decode`, and the gate before it: the same tokens in f32, the same evaluation loss.
 */
import type { PartText } from '../results.ts';
import { describeRatio, describeSpread, median } from '../statistics.ts';
import { formatGigabytes, formatSpread, formatTable } from '../table.ts';
import type { DecodeArm, DecodeLine, DecodeSample } from './arms.ts';

export interface DecodeResult extends DecodeArm {
  readonly samples: readonly DecodeSample[];
  readonly void: string | null;
  /** Share of tokens that are transformers' own in the same dtype, ours only. */
  readonly equalTokens?: number;
}

export interface DecodeFigures {
  readonly model: string;
  readonly batches: readonly number[];
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly evaluatedTokens: number;
  readonly rounds: number;
  readonly results: readonly DecodeResult[];
}

const LOSS_TOLERANCE = { f32: 1e-4, bf16: 2e-2 };

export const DECODE_TEXT: PartText<DecodeFigures> = {
  title: 'Decoding and evaluation',
  method:
    'Greedy, with a cache of keys and values; random weights and prompts, no stop token. transformers’ generate and a forward pass under ' +
    'no_grad beside our engine’s prefill, decode and evaluate. In f32 all tokens must be equal, in both dtypes the evaluation loss; in ' +
    'bf16 random weights have near ties, so the share of equal tokens is only told. tokens/s of all rows together; ratios against ' +
    'transformers in the same dtype and round.',
  formatFigures(figures) {
    const { promptTokens, newTokens, evaluatedTokens, rounds, batches } = figures;
    const sizes = `${promptTokens} tokens read, ${newTokens} written; evaluation of ${evaluatedTokens} tokens`;
    const heads = [
      '',
      ...batches.flatMap((batch) => [
        `read, ${batch} row(s)`,
        `written one by one, ${batch}`,
        `whole answer, ${batch}`,
      ]),
      'evaluated',
      'equal tokens',
      'peak memory GB',
    ];
    const rows = figures.results.map((result) => cells(result, figures));
    return [`${sizes}; rounds: ${rounds}. tokens/s:`, '', formatTable(heads, rows), ''].join('\n');
  },
};

/** Voids what computes something else. */
export function checkEqual(results: readonly DecodeResult[]): DecodeResult[] {
  return results.map((result) => {
    const theirs = referenceOf(result, results)?.samples[0];
    const ours = result.samples[0];
    if (!theirs || !ours) return result;
    const equalTokens = shareEqual(ours.tokens.flat(), theirs.tokens.flat());
    const difference = Math.abs(ours.loss - theirs.loss);
    if (!(difference <= LOSS_TOLERANCE[result.dtype])) {
      return { ...result, equalTokens, void: `evaluation loss ${ours.loss}, transformers' ${theirs.loss}` };
    }
    if (result.dtype === 'bf16' || equalTokens === 1) return { ...result, equalTokens };
    return { ...result, equalTokens, void: `only ${(100 * equalTokens).toFixed(1)} % of the tokens are transformers'` };
  });
}

const referenceOf = ({ side, dtype }: DecodeResult, results: readonly DecodeResult[]): DecodeResult | undefined =>
  side === 'theirs' ? undefined : results.find((other) => other.side === 'theirs' && other.dtype === dtype);

export function shareEqual(ours: readonly number[], theirs: readonly number[]): number {
  const length = Math.max(ours.length, theirs.length, 1);
  return ours.filter((token, index) => token === theirs[index]).length / length;
}

function cells(result: DecodeResult, figures: DecodeFigures): string[] {
  const { batches, promptTokens, newTokens, evaluatedTokens, results } = figures;
  const empty = Array.from({ length: batches.length * 3 + 2 }, () => '');
  if (result.void !== null) return [result.name, `void: ${result.void}`, ...empty];
  const reference = referenceOf(result, results);
  const speed = (tokens: number, msOf: (sample: DecodeSample) => number[]): string => {
    const speedsOf = ({ samples }: DecodeResult): number[] =>
      samples.map((sample) => (1000 * tokens) / median(msOf(sample)));
    const own = formatSpread(describeSpread(speedsOf(result)), 0);
    if (!reference || reference.void !== null) return own;
    return `${own}; ${describeRatio(speedsOf(result), speedsOf(reference)).median.toFixed(2)} x`;
  };
  const ofBatch = (batch: number, pick: (line: DecodeLine) => number) => (sample: DecodeSample) =>
    sample.lines.filter((line) => line.batch === batch).map(pick);
  return [
    result.name,
    ...batches.flatMap((batch) => [
      speed(
        batch * promptTokens,
        ofBatch(batch, ({ prefillMs }) => prefillMs),
      ),
      speed(
        batch * (newTokens - 1),
        ofBatch(batch, ({ decodeMs }) => decodeMs),
      ),
      speed(
        batch * newTokens,
        ofBatch(batch, ({ totalMs }) => totalMs),
      ),
    ]),
    speed(evaluatedTokens, ({ evaluateMs }) => [...evaluateMs]),
    result.equalTokens === undefined ? '' : `${(100 * result.equalTokens).toFixed(1)} %`,
    formatGigabytes(median(result.samples.map(({ peakBytes }) => peakBytes))),
  ];
}
