/**
 * @file Turns measured samples into the table a person reads and the JSON that is kept.
 */
import { type ArmResult, type Sample } from './measure.ts';
import { REFERENCE_BF16, REFERENCE_F32 } from './arms.ts';
import type { MachineFacts } from './machine.ts';
import type { Roofline } from './roofline.ts';
import { describeRatio, describeSpread, type Spread } from './statistics.ts';

export interface WorkloadResult {
  readonly model: string;
  readonly workload: string;
  readonly tokensPerStep: number;
  readonly flopsPerStep: number;
  readonly roofline: Roofline;
  readonly arms: readonly ArmResult[];
}

export interface BenchResult {
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly steps: number;
  readonly workloads: readonly WorkloadResult[];
}

const GIGA = 1e9;

export function formatReport({ machine, rounds, steps, workloads }: BenchResult): string {
  const lines = [
    `${machine.date.slice(0, 10)}, commit ${machine.commit}: ${machine.cpu}, ${machine.threads} of ${machine.cores} cores ` +
      `(${machine.flags.join(' ')}), ${(machine.memoryBytes / GIGA).toFixed(0)} GB, Linux ${machine.kernel}, Node ${machine.node}.`,
    `${rounds} rounds of ${steps} steps, arms in turn, each in a fresh process.` +
      (machine.quiet ? '' : ' **Other work ran on the machine: these figures are no result.**'),
  ];
  return `${[...lines, '', ...workloads.map(formatWorkload)].join('\n')}\n`;
}

function formatWorkload(result: WorkloadResult): string {
  const { model, workload, tokensPerStep, flopsPerStep, arms } = result;
  return [
    `### ${model}, ${workload} (${tokensPerStep} tokens, ${(flopsPerStep / GIGA).toFixed(0)} GFLOP in products a step)`,
    '',
    ...formatRoofline(result),
    '',
    '| | tokens/s | of roofline | GFLOP/s | ms a step | peak memory GB | first step s | against PyTorch f32 | against PyTorch bf16 |',
    '|---|---|---|---|---|---|---|---|---|',
    ...arms.map((arm) => formatArm(arm, result)),
    '',
  ].join('\n');
}

function formatRoofline({ roofline, tokensPerStep }: WorkloadResult): string[] {
  const row = (name: 'f32' | 'bf16') => {
    const { peak, peakTorch, peakBinding, stepSeconds, stepSecondsTorch, stepSecondsBinding } = roofline[name];
    const speeds = [stepSeconds, stepSecondsTorch, stepSecondsBinding].map((seconds) =>
      (tokensPerStep / seconds).toFixed(0),
    );
    const peaks = [peak, peakTorch, peakBinding].map((flops) => (flops / GIGA).toFixed(0));
    return `| ${name} | ${peaks.join(' | ')} | ${speeds.join(' | ')} |`;
  };
  return [
    `Memory ${(roofline.bandwidthBytesPerSecond / GIGA).toFixed(1)} GB/s. Roofline: the step's own products alone.`,
    '',
    '| | square GFLOP/s | PyTorch | binding | roofline tokens/s | PyTorch alone | binding alone |',
    '|---|---|---|---|---|---|---|',
    row('f32'),
    row('bf16'),
  ];
}

function formatArm(arm: ArmResult, result: WorkloadResult): string {
  if (arm.void !== null) return `| ${arm.arm} | void: ${arm.void} ${'|'.repeat(8)}`;
  const { tokensPerStep, flopsPerStep, roofline, arms } = result;
  const speed = describeSpread(speedsOf(arm.samples, tokensPerStep));
  const seconds = describeSpread(arm.samples.map((sample) => sample.stepSeconds));
  const against = (name: string) =>
    formatRatio(
      arm,
      arms.find((other) => other.arm === name),
      tokensPerStep,
    );
  const cells = [
    arm.arm,
    formatSpread(speed, 0),
    `${((100 * roofline[arm.products].stepSeconds) / seconds.median).toFixed(0)} %`,
    (flopsPerStep / seconds.median / GIGA).toFixed(0),
    (seconds.median * 1000).toFixed(0),
    formatMemory(arm.samples),
    describeSpread(arm.samples.map((sample) => sample.firstStepSeconds)).median.toFixed(1),
    against(REFERENCE_F32),
    against(REFERENCE_BF16),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Both: what the whole program took, and its largest process. */
function formatMemory(samples: readonly Sample[]): string {
  const tree = describeSpread(samples.map((sample) => sample.treePeakBytes)).median / GIGA;
  const largest = describeSpread(samples.map((sample) => sample.largestPeakBytes)).median / GIGA;
  return tree - largest < 0.005 ? tree.toFixed(2) : `${tree.toFixed(2)} (largest process ${largest.toFixed(2)})`;
}

function speedsOf(samples: readonly Sample[], tokensPerStep: number): number[] {
  return samples.map(({ stepSeconds }) => tokensPerStep / stepSeconds);
}

function formatRatio(arm: ArmResult, reference: ArmResult | undefined, tokensPerStep: number): string {
  if (reference === undefined || reference.void !== null || reference.arm === arm.arm) return '';
  return formatSpread(
    describeRatio(speedsOf(arm.samples, tokensPerStep), speedsOf(reference.samples, tokensPerStep)),
    2,
  );
}

function formatSpread({ median, low, high }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}
