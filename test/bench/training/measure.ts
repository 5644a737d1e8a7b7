/**
 * @file Runs the arms in turn, each in a fresh process, checks their loss traces and turns their events into figures.
 */
import { largestDifference } from '../../interop/support/tensors.ts';
import type { MeteredRun } from '../process-meter.ts';
import { median } from '../statistics.ts';
import { lastWords, type Surroundings } from '../surroundings.ts';
import { type Arm, type Gate, type Prepared } from './arms.ts';

/** Steps at the start that compile, warm caches and grow the heap. */
export const WARM_UP_STEPS = 3;

/** One process of one arm. */
export interface Sample {
  readonly losses: readonly number[];
  /** Median over the steps after the warm-up. */
  readonly stepSeconds: number;
  /** From start of the program to the end of its first step: loading, compiling. */
  readonly firstStepSeconds: number;
  readonly treePeakBytes: number;
  readonly largestPeakBytes: number;
  /** Of the graphics card; null or left out = the processor computed. */
  readonly cardPeakBytes?: number | null;
  /** Medians of the parts a step reports (forward_ms, …); empty where an arm reports none. */
  readonly partsMs: Readonly<Record<string, number>>;
}

export interface ArmResult {
  readonly arm: string;
  readonly products: 'f32' | 'bf16';
  /** One per round, from the first round on. */
  readonly samples: readonly Sample[];
  /** Why the row does not count; null = it does. */
  readonly void: string | null;
  /** Largest difference of the loss trace from the gate's reference; null = has no gate. */
  readonly lossDifference: number | null;
  readonly gate: Gate | null;
}

export interface MeasureOptions {
  readonly arms: readonly Arm[];
  readonly rounds: number;
  readonly prepared: Prepared;
  readonly surroundings: Surroundings;
  /** For what is said while it runs. */
  readonly label: string;
  /** Called before the arms of each round. @param label with the round */
  readonly beginRound: (label: string) => Promise<void>;
}

/** The first round is the gate: an arm that fails or computes something else is left out of the later ones. */
export async function measureArms({
  arms,
  rounds,
  prepared,
  surroundings,
  label,
  beginRound,
}: MeasureOptions): Promise<ArmResult[]> {
  const samples = new Map<string, Sample[]>();
  const faults = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    const place = `${label}, round ${round + 1} of ${rounds}`;
    await beginRound(place);
    for (const arm of arms) {
      if (faults.has(arm.name) || (round > 0 && arm.group !== 'core')) continue;
      const what = `${place}: ${arm.name}`;
      const run = await surroundings.run(what, arm.command(prepared), { env: arm.env });
      const sample = toSample(run, Math.min(prepared.steps, arm.mostSteps));
      if (typeof sample === 'string') faults.set(arm.name, sample);
      else samples.set(arm.name, [...(samples.get(arm.name) ?? []), sample]);
    }
    // Where only some arms were asked for, the reference may not be among them; such figures are not written down.
    const gated = arms.filter(({ gate }) => arms.some(({ name }) => name === gate?.against));
    if (round === 0) for (const arm of gated) checkTrace(arm, samples, faults);
  }
  return arms.map((arm) => ({
    arm: arm.name,
    products: arm.products,
    samples: samples.get(arm.name) ?? [],
    void: faults.get(arm.name) ?? null,
    lossDifference: traceDifference(arm, samples),
    gate: arm.gate,
  }));
}

/** @returns the sample, or what went wrong. */
export function toSample(run: MeteredRun, steps: number): Sample | string {
  const events = run.events.filter(({ body }) => body.event === 'step');
  if (run.code !== 0) return lastWords(run);
  if (events.length !== steps) return `${events.length} steps instead of ${steps}`;
  const seconds = events.map(({ atMs }, index) => (atMs - (events[index - 1]?.atMs ?? 0)) / 1000);
  const steady = events.slice(WARM_UP_STEPS);
  const parts = Object.keys(events[0]?.body ?? {}).filter((name) => name.endsWith('_ms') && name !== 'elapsed_ms');
  const partsMs = parts.map((name) => [name, median(steady.map(({ body }) => Number(body[name])))] as const);
  return {
    losses: events.map(({ body }) => Number(body.loss)),
    stepSeconds: median(seconds.slice(WARM_UP_STEPS)),
    firstStepSeconds: seconds[0] ?? NaN,
    treePeakBytes: run.treePeakBytes,
    largestPeakBytes: run.largestPeakBytes,
    cardPeakBytes: run.cardPeakBytes,
    partsMs: Object.fromEntries(partsMs),
  };
}

function traceDifference({ name, gate }: Arm, samples: ReadonlyMap<string, readonly Sample[]>): number | null {
  const own = samples.get(name)?.[0];
  const reference = gate === null ? undefined : samples.get(gate.against)?.[0];
  if (own === undefined || reference === undefined) return null;
  return largestDifference(own.losses, reference.losses.slice(0, own.losses.length));
}

function checkTrace(arm: Arm, samples: ReadonlyMap<string, readonly Sample[]>, faults: Map<string, string>): void {
  if (arm.gate === null || faults.has(arm.name)) return;
  const difference = traceDifference(arm, samples);
  if (difference === null)
    faults.set(arm.name, `${arm.gate.against} did not run, so there is no trace to compare with`);
  else if (!(difference <= arm.gate.lossTolerance)) {
    const { against, lossTolerance } = arm.gate;
    faults.set(arm.name, `losses differ from ${against} by ${difference.toExponential(1)}, allowed ${lossTolerance}`);
  }
}
