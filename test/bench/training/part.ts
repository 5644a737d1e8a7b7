/**
 * @file The part `training`: speed and memory of our steps beside PyTorch + PEFT's, shape by shape.
 */
import type { BenchOptions } from '../options.ts';
import { findModel, prepareFiles } from '../prepare.ts';
import { measureRoofline, type Roofline } from '../roofline.ts';
import type { Surroundings } from '../surroundings.ts';
import { countFlops, parseBatchShape, stepProducts } from '../workloads.ts';
import { measureAnatomy } from './anatomy.ts';
import { type ArmGroup, ARMS } from './arms.ts';
import { measureArms } from './measure.ts';
import type { TrainingFigures } from './report.ts';

interface Workload {
  readonly model: string;
  readonly shape: string;
  readonly rounds: number;
  readonly steps: number;
  /** Arms that run once beside the core; with `extra` the parts of a step are measured too. */
  readonly beside: ArmGroup | null;
}

/** About 45 minutes on two cores; each is written down when it is done. */
const PLAN: readonly Workload[] = [
  { model: '135M', shape: '4x256', rounds: 3, steps: 8, beside: 'extra' },
  { model: '135M', shape: '1x1024', rounds: 2, steps: 8, beside: null },
  { model: '135M', shape: '16x64', rounds: 2, steps: 8, beside: null },
  { model: '15M', shape: '4x256', rounds: 3, steps: 10, beside: 'wasm' },
  { model: '360M', shape: '4x256', rounds: 2, steps: 6, beside: null },
];

export async function runTraining(
  surroundings: Surroundings,
  options: BenchOptions,
  publish: (key: string, figures: TrainingFigures) => Promise<void>,
): Promise<void> {
  for (const workload of choosePlan(options)) {
    const figures = await runWorkload(surroundings, options, workload);
    await publish(`${workload.model}, ${workload.shape}`, figures);
  }
}

/** What the options leave of the plan; a shape that is not in it gets the first workload's rounds. */
function choosePlan({ model, workloads, rounds, steps, quick }: BenchOptions): Workload[] {
  const names = workloads ?? (model === null ? null : ['4x256']);
  const chosen =
    names === null
      ? PLAN.slice(0, quick ? 1 : PLAN.length)
      : names.map((shape) => findWorkload(model ?? '135M', shape) ?? { ...PLAN[0]!, model: model ?? '135M', shape });
  return chosen.map((workload) => ({
    ...workload,
    rounds: rounds ?? (quick ? 1 : workload.rounds),
    steps: steps ?? (quick ? 5 : workload.steps),
  }));
}

const findWorkload = (model: string, shape: string): Workload | undefined =>
  PLAN.find((workload) => workload.model === model && workload.shape === shape);

async function runWorkload(
  surroundings: Surroundings,
  options: BenchOptions,
  { model, shape: name, rounds, steps, beside }: Workload,
): Promise<TrainingFigures> {
  const shape = parseBatchShape(name);
  const files = prepareFiles(surroundings, model, { count: shape.batch * steps, length: shape.seq });
  const { folder, python, card } = surroundings;
  const device = card === null ? 'cpu' : 'cuda';
  const prepared = { folder, python, ...files, shape, steps, device } as const;
  const label = `${model} ${name}`;
  const products = stepProducts(findModel(model), shape);
  const rooflines: Roofline[] = [];
  // In each round: what a machine allows changes within the hour.
  const beginRound = async (round: string): Promise<void> => {
    rooflines.push(await measureRoofline(surroundings, products, round));
  };
  const wanted = ARMS.filter(
    ({ group, name: arm }) =>
      (group === 'core' || (group === beside && card === null)) && arm.toLowerCase().includes(options.arms),
  );
  const arms = await measureArms({ arms: wanted, rounds, prepared, surroundings, label, beginRound });
  const anatomy =
    beside === 'extra' && card === null ? await measureAnatomy(surroundings, prepared, label, options.arms) : [];
  const tokensPerStep = shape.batch * shape.seq;
  const flopsPerStep = countFlops(products);
  return { model, workload: name, rounds, steps, tokensPerStep, flopsPerStep, rooflines, arms, anatomy };
}
