/**
 * @file Turns the samples of a training workload into the tables a person reads.
 */
import type { PartText } from '../results.ts';
import type { Ceiling, Roofline } from '../roofline.ts';
import { describeRatio, describeSpread, type Spread } from '../statistics.ts';
import { formatGigabytes, formatPercent, formatSpread, formatTable } from '../table.ts';
import type { ArmAnatomy } from './anatomy.ts';
import { OWN_BF16, OWN_F32, OWN_NF4, REFERENCE_BF16, REFERENCE_F32, REFERENCE_NF4 } from './arms.ts';
import { type ArmResult, type Sample, WARM_UP_STEPS } from './measure.ts';

export interface TrainingFigures {
  readonly model: string;
  readonly workload: string;
  readonly rounds: number;
  readonly steps: number;
  readonly tokensPerStep: number;
  readonly flopsPerStep: number;
  /** One per round. */
  readonly rooflines: readonly Roofline[];
  readonly arms: readonly ArmResult[];
  readonly anatomy: readonly ArmAnatomy[];
}

const GIGA = 1e9;

export const TRAINING_TEXT: PartText<TrainingFigures> = {
  title: 'Training',
  method:
    'LoRA r=8 on all linear layers, every token trained, random weights; the arms run in turn, each in a fresh process with the same ' +
    'weights, adapter and rows, and count only where their loss trace is the reference’s. ' +
    `The first ${WARM_UP_STEPS} steps are left out. Figures are medians with quartiles; ratios are of the same round, with the middle ` +
    '95 % of bootstrap medians. Peak memory is the sum of the peaks of all processes, measured from outside. ' +
    'Roofline: the products of a step timed alone before each round, each through the faster of the two libraries; on a graphics card ' +
    'through PyTorch, since both call the same library there; shares are of the same round.',
  formatFigures(figures) {
    const { rounds, steps, tokensPerStep, flopsPerStep } = figures;
    const size = `${tokensPerStep} tokens and ${(flopsPerStep / GIGA).toFixed(0)} GFLOP in products a step`;
    return [
      `${rounds} rounds of ${steps} steps; ${size}.`,
      '',
      formatRoofline(figures),
      '',
      formatTable(ARM_HEADS, figures.arms.map(armCells(figures))),
      '',
      ...formatAnatomy(figures),
      ...formatWanted(figures),
    ].join('\n');
  },
};

const ARM_HEADS = [
  '',
  'tokens/s',
  'of roofline',
  'GFLOP/s',
  'ms a step',
  'peak memory GB',
  'first step s',
  'loss differs by',
  'against PyTorch f32',
  'against PyTorch bf16',
];

function formatRoofline({ rooflines, tokensPerStep }: TrainingFigures): string {
  const row = (name: 'f32' | 'bf16'): string[] => {
    // Of all rounds; empty where it was not measured.
    const cell = (pick: (ceiling: Ceiling) => number | null, format: (value: number) => number): string => {
      const values = rooflines.map((roofline) => pick(roofline[name])).filter((value) => value !== null);
      return values.length === 0 ? '' : formatSpread(describeSpread(values.map(format)), 0);
    };
    const peakCell = (pick: (ceiling: Ceiling) => number | null): string => cell(pick, (flops) => flops / GIGA);
    const speedCell = (pick: (ceiling: Ceiling) => number | null): string =>
      cell(pick, (seconds) => tokensPerStep / seconds);
    return [
      name,
      peakCell(({ peak }) => peak),
      peakCell(({ peakTorch }) => peakTorch),
      peakCell(({ peakBinding }) => peakBinding),
      speedCell(({ stepSeconds }) => stepSeconds),
      speedCell(({ stepSecondsTorch }) => stepSecondsTorch),
      speedCell(({ stepSecondsBinding }) => stepSecondsBinding),
    ];
  };
  const memory = describeSpread(rooflines.map(({ bandwidthBytesPerSecond }) => bandwidthBytesPerSecond / GIGA));
  const heads = ['square GFLOP/s', 'PyTorch', 'binding', 'roofline tokens/s', 'PyTorch alone', 'binding alone'];
  return [`Memory ${formatSpread(memory, 1)} GB/s.`, '', formatTable(['', ...heads], [row('f32'), row('bf16')])].join(
    '\n',
  );
}

/** What the products alone would take, for each second of an arm's step in the same round. */
function shareOfRoofline({ samples, products }: ArmResult, rooflines: readonly Roofline[]): Spread {
  const ceilings = samples.map((_, round) => rooflines[round]?.[products].stepSeconds ?? NaN);
  return describeSpread(samples.map(({ stepSeconds }, round) => (ceilings[round] ?? NaN) / stepSeconds));
}

function armCells(figures: TrainingFigures): (arm: ArmResult) => string[] {
  const { tokensPerStep, flopsPerStep, rooflines, arms } = figures;
  return (arm) => {
    if (arm.void !== null) return [arm.arm, `void: ${arm.void}`, ...ARM_HEADS.slice(2).map(() => '')];
    const seconds = describeSpread(arm.samples.map(({ stepSeconds }) => stepSeconds));
    const ratio = (name: string): string => {
      const found = speedRatio(arm, findArm(arms, name), tokensPerStep);
      return found === null ? '' : formatSpread(found, 2);
    };
    return [
      arm.arm,
      formatSpread(describeSpread(speedsOf(arm.samples, tokensPerStep)), 0),
      formatPercent(shareOfRoofline(arm, rooflines).median),
      (flopsPerStep / seconds.median / GIGA).toFixed(0),
      (seconds.median * 1000).toFixed(0),
      formatMemory(arm.samples),
      describeSpread(arm.samples.map(({ firstStepSeconds }) => firstStepSeconds)).median.toFixed(1),
      arm.lossDifference === null ? '' : arm.lossDifference.toExponential(0),
      ratio(REFERENCE_F32),
      ratio(REFERENCE_BF16),
    ];
  };
}

/** The card's memory where it computed; else both: what the whole program took, and its largest process. */
function formatMemory(samples: readonly Sample[]): string {
  if (samples[0]?.cardPeakBytes) return `${formatGigabytes(peakOf(samples))} of the card`;
  const tree = formatGigabytes(peakOf(samples));
  const largest = formatGigabytes(describeSpread(samples.map(({ largestPeakBytes }) => largestPeakBytes)).median);
  return tree === largest ? tree : `${tree} (largest process ${largest})`;
}

const peakOf = (samples: readonly Sample[]): number =>
  describeSpread(samples.map(({ cardPeakBytes, treePeakBytes }) => cardPeakBytes ?? treePeakBytes)).median;

const speedsOf = (samples: readonly Sample[], tokensPerStep: number): number[] =>
  samples.map(({ stepSeconds }) => tokensPerStep / stepSeconds);

const findArm = (arms: readonly ArmResult[], name: string): ArmResult | undefined =>
  arms.find(({ arm, void: fault }) => arm === name && fault === null);

/** Of the rounds that both have; null where there is nothing to divide. */
function speedRatio(arm: ArmResult, reference: ArmResult | undefined, tokensPerStep: number): Spread | null {
  if (!reference || reference.arm === arm.arm) return null;
  const rounds = Math.min(arm.samples.length, reference.samples.length);
  const speeds = ({ samples }: ArmResult): number[] => speedsOf(samples.slice(0, rounds), tokensPerStep);
  return describeRatio(speeds(arm), speeds(reference));
}

function formatAnatomy({ anatomy, arms }: TrainingFigures): string[] {
  if (anatomy.length === 0) return [];
  const heads = ['ms', 'forward', 'backward', 'optimizer', 'JavaScript', 'live tensors', 'gained'];
  const ours = anatomy.map(({ arm, anatomy: found }) => {
    if (typeof found === 'string') return [arm, found, ...heads.slice(2).map(() => '')];
    const { forwardMs, backwardMs, optimizerMs, javascriptMs, liveTensors, tensorsGained } = found;
    const times = [forwardMs, backwardMs, optimizerMs].map((ms) => ms.toFixed(0));
    return [arm, ...times, javascriptMs.toFixed(1), String(liveTensors), String(tensorsGained)];
  });
  const theirs = arms.flatMap(({ arm, samples, void: fault }) => {
    const { forward_ms: forward, backward_ms: backward, optimizer_ms: optimizer } = samples[0]?.partsMs ?? {};
    if (fault !== null || forward === undefined) return [];
    return [[arm, ...[forward, backward, optimizer].map((ms) => ms?.toFixed(0) ?? ''), '', '', '']];
  });
  const note =
    'Parts of a step. Ours as entries run alone in one process: forward and loss as evaluation runs them, backward as the rest of a ' +
    'gradient, clipping and update; JavaScript is the time of a whole step outside TensorFlow. PyTorch’s as its own loop timed them.';
  return [note, '', formatTable(heads, [...ours, ...theirs]), ''];
}

interface Wanted {
  readonly what: string;
  readonly wanted: string;
  readonly found: number | null;
  readonly digits: number;
  readonly isKept: (found: number) => boolean;
}

/** What the project asks of these figures, one line each. */
function formatWanted(figures: TrainingFigures): string[] {
  const rows = listWanted(figures).flatMap(({ what, wanted, found, digits, isKept }) =>
    found === null ? [] : [[what, wanted, found.toFixed(digits), isKept(found) ? 'yes' : '**no**']],
  );
  return rows.length === 0 ? [] : [formatTable(['', 'wanted', 'found', 'kept'], rows), ''];
}

function listWanted({ arms, tokensPerStep, rooflines }: TrainingFigures): Wanted[] {
  const speed = (name: string, reference: string): number | null => {
    const [own, other] = [findArm(arms, name), findArm(arms, reference)];
    return own && other ? (speedRatio(own, other, tokensPerStep)?.median ?? null) : null;
  };
  const memory = (name: string, reference: string): number | null => {
    const [own, other] = [findArm(arms, name), findArm(arms, reference)];
    return own && other ? peakOf(own.samples) / peakOf(other.samples) : null;
  };
  const ours = findArm(arms, OWN_BF16);
  const share = ours ? shareOfRoofline(ours, rooflines).median : null;
  const atLeast = (what: string, least: number, found: number | null): Wanted => ({
    what,
    wanted: `at least ${least}`,
    found,
    digits: 2,
    isKept: (value) => value >= least,
  });
  const atMostOne = (what: string, found: number | null): Wanted => ({
    what,
    wanted: 'at most 1.0',
    found,
    digits: 2,
    isKept: (value) => value <= 1,
  });
  return [
    atLeast('bf16: tokens/s against PyTorch bf16', 2, speed(OWN_BF16, REFERENCE_BF16)),
    atMostOne('bf16: peak memory against PyTorch bf16', memory(OWN_BF16, REFERENCE_BF16)),
    atLeast('bf16: share of the roofline', 0.55, share),
    atLeast('f32: tokens/s against PyTorch f32', 1.4, speed(OWN_F32, REFERENCE_F32)),
    atMostOne('f32: peak memory against PyTorch f32', memory(OWN_F32, REFERENCE_F32)),
    atLeast('NF4: tokens/s against bitsandbytes NF4', 1.6, speed(OWN_NF4, REFERENCE_NF4)),
    atLeast('NF4: tokens/s against our own bf16', 0.85, speed(OWN_NF4, OWN_BF16)),
    atMostOne('NF4: peak memory against bitsandbytes NF4', memory(OWN_NF4, REFERENCE_NF4)),
  ];
}
