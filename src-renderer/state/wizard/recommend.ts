/**
 * @file Settings that suit the model and the data, each with its reason. The engine would choose the same where nothing is said
 * (its resolve-config); here they are worked out before, so that the person sees them, and sent with the run, so that what was
 * shown is what runs.
 */
import type { DataReport } from '../../../src-shared/domain/data-report.ts';
import type { ModelDetails } from '../../../src-shared/domain/models.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import type { Preset } from './draft.ts';

const USUAL_MAX_LENGTH = 512;
const LENGTHS = [128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192];
/** Share of the rows that should fit whole. */
const WHOLE_ROWS = 0.98;
const BATCH_TOKENS = 4096;
const MOST_ROWS_IN_BATCH = 16;
const STEPS_PER_EPOCH = 20;
const REFERENCE_WIDTH = 2048;
const LORA_RATE = 2e-4;
const FULL_RATE = 2e-5;

interface PresetAim {
  /** Updates that a short data set should get. */
  readonly steps: number;
  readonly mostEpochs: number;
  readonly rank: number;
  readonly patience: number;
}

export const PRESET_AIMS: Readonly<Record<Preset, PresetAim>> = {
  quick: { steps: 60, mostEpochs: 3, rank: 8, patience: 0 },
  balanced: { steps: 150, mostEpochs: 10, rank: 8, patience: 0 },
  thorough: { steps: 400, mostEpochs: 20, rank: 16, patience: 3 },
};

/** Rows and tokens as training will see them; null parts are not known without a model. */
export interface DataSizes {
  readonly trainRows: number;
  readonly evalRows: number;
  readonly longest: number | null;
  /** Tokens of the training rows in one epoch, after cutting. */
  readonly epochTokens: number | null;
  /** Lengths of these rows together: what packing has to find room for. In encoder-decoders less than the tokens. */
  readonly epochLength: number | null;
  readonly epochSupervised: number | null;
}

export function sizeData(report: DataReport, data: RunConfig['data'], maxLength: number): DataSizes {
  const ownEval = report.files.filter(({ role }) => role === 'eval').reduce((sum, { rows }) => sum + rows, 0);
  const rows = report.rows;
  const evalRows = ownEval > 0 ? ownEval : Math.round(rows * (data.eval_fraction ?? 0.1));
  const trainRows = rows - evalRows;
  const { tokens } = report;
  if (tokens === null || rows === 0)
    return { trainRows, evalRows, longest: null, epochTokens: null, epochLength: null, epochSupervised: null };
  const share = trainRows / rows;
  const whole = tokens.mean * rows;
  const cut = Math.min(whole, rows * Math.min(maxLength, tokens.longest));
  return {
    trainRows,
    evalRows,
    longest: tokens.longest,
    epochTokens: Math.round((whole === 0 ? 0 : tokens.total * (cut / whole)) * share),
    epochLength: Math.round(cut * share),
    epochSupervised: Math.round(tokens.supervised * share),
  };
}

/** The usual length, or a longer one where rows need it and the model has it. */
export function recommendMaxLength(report: DataReport | null, model: ModelDetails | null): number {
  const limit = model?.context_tokens ?? Infinity;
  const tokens = report?.tokens;
  if (!tokens || tokens.longest <= USUAL_MAX_LENGTH) return Math.min(USUAL_MAX_LENGTH, limit);
  const all = tokens.histogram.reduce((sum, { rows }) => sum + rows, 0);
  let held = 0;
  for (const { to, rows } of tokens.histogram) {
    held += rows;
    if (held >= all * WHOLE_ROWS) {
      const wanted = to ?? tokens.longest;
      return Math.min(LENGTHS.find((length) => length >= wanted) ?? wanted, limit);
    }
  }
  return Math.min(USUAL_MAX_LENGTH, limit);
}

/** Updates in one epoch for a batch of this many rows. */
export function gridOf(sizes: DataSizes, maxLength: number, packing: boolean): { rows: number; tokens: number } {
  const { trainRows, longest, epochLength } = sizes;
  if (epochLength === null || longest === null) return { rows: trainRows, tokens: maxLength };
  if (packing) return { rows: Math.max(1, Math.ceil(epochLength / maxLength)), tokens: maxLength };
  return { rows: Math.max(1, trainRows), tokens: Math.min(longest, maxLength) };
}

export function recommendBatchSize(grid: { rows: number; tokens: number }): number {
  const byTokens = Math.max(1, Math.floor(BATCH_TOKENS / Math.max(1, grid.tokens)));
  const byRows = Math.max(1, Math.floor(grid.rows / STEPS_PER_EPOCH));
  return 2 ** Math.floor(Math.log2(Math.min(byTokens, byRows, MOST_ROWS_IN_BATCH)));
}

export function recommendEpochs(stepsPerEpoch: number, preset: Preset): number {
  const { steps, mostEpochs } = PRESET_AIMS[preset];
  return Math.max(1, Math.min(mostEpochs, Math.ceil(steps / Math.max(1, stepsPerEpoch))));
}

/** Smaller models take larger steps. */
export function recommendRate(model: ModelDetails | null, isWhole: boolean): number {
  const width = model?.hidden_size ?? REFERENCE_WIDTH;
  return Number(
    ((isWhole ? FULL_RATE : LORA_RATE) * Math.max(0.5, Math.min(16, REFERENCE_WIDTH / width))).toPrecision(2),
  );
}
