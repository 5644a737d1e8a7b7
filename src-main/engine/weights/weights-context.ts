/**
 * @file The step context over planned weights: finds each tensor a layer asks for, frozen or trained.
 */
import type { Runner, Variable } from '../device/runner.ts';
import type { StepContext } from '../nn/step-context.ts';
import type { Parameter } from '../ops/linear.ts';
import * as raw from '../ops/primitives.ts';
import { makeTensor, type Tensor } from '../ops/tensor.ts';
import { expandMatrix, type FrozenMatrix, levelQuads } from './frozen-matrix.ts';
import type { WeightPlan } from './plan.ts';
import { fillRoom } from './room.ts';

export interface WeightsContextOptions {
  readonly runner: Runner;
  readonly plan: WeightPlan;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly training: boolean;
  readonly checkpointing: boolean;
  /** 1 where left out. */
  readonly attentionParts?: number;
  /** int32 scalar that differs from step to step; needed where dropout is used. */
  readonly seed: Tensor | null;
  /** As in StepContext: the updates lie in the rooms of the matrices already, as the prefill left them there. */
  readonly decoding?: boolean;
}

/** @returns a context for one trace or one eager step */
export function makeContext(options: WeightsContextOptions): StepContext {
  const { runner, plan, parameters, training, checkpointing } = options;
  const { compute } = plan;
  const vectors = byName(plan.vectors);
  const tables = byName(plan.tables);
  const places = placesOf(plan.matrices);
  let quads: Tensor | null = null;
  const levels = (): Tensor => (quads ??= runner.forStep(() => levelQuads(runner)));
  return {
    runner,
    compute,
    training,
    checkpointing,
    decoding: options.decoding ?? false,
    attentionParts: options.attentionParts ?? 1,
    parameter: (name) => parameters.get(name) ?? null,
    frozen: (name) => readVariable(runner, vectors.get(name), name),
    table: (name) => readVariable(runner, tables.get(name), name),
    tableUpdate: (name) => plan.tableUpdates.get(name) ?? null,
    paddingRow: (name) => plan.paddingRows.get(name) ?? null,
    matrix: (names, after) =>
      findMatrix((matrix) => expandMatrix(runner, matrix, compute, after, levels), places, names),
    room: (names) => wholeMatrix(places, names)?.room ?? 0,
    foldedMatrix: foldedMatrices(options, places, levels),
    leavesUnder: (prefix) =>
      [...parameters].filter(([name, { leaf }]) => name.startsWith(prefix) && leaf.isLeaf).map(([, { leaf }]) => leaf),
    dropoutMask: dropoutMasks(options),
  };
}

const byName = (variables: readonly Variable[]): Map<string, Variable> =>
  new Map(variables.map((variable) => [variable.name, variable]));

function readVariable(runner: Runner, variable: Variable | undefined, name: string): Tensor {
  if (!variable) throw new Error(`internal: ${name} is not among the frozen tensors`);
  return makeTensor(runner, runner.read(variable), variable.dtype, variable.shape);
}

interface Place {
  readonly matrix: FrozenMatrix;
  readonly firstRow: number;
  readonly rows: number;
}

function placesOf(matrices: readonly FrozenMatrix[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const matrix of matrices) {
    let firstRow = 0;
    for (const { name, rows } of matrix.members) {
      places.set(name, { matrix, firstRow, rows });
      firstRow += rows;
    }
  }
  return places;
}

function findMatrix(
  expand: (matrix: FrozenMatrix) => Tensor,
  places: ReadonlyMap<string, Place>,
  names: readonly string[],
): Tensor {
  const found = names.map((name) => {
    const place = places.get(name);
    if (!place) throw new Error(`internal: ${name} is not among the frozen matrices`);
    return place;
  });
  const [first] = found as [Place];
  const whole = found.every(({ matrix }) => matrix === first.matrix) && found.length === first.matrix.members.length;
  if (whole) return expand(first.matrix);
  const parts = found.map(({ matrix, firstRow, rows }) => {
    const full = expand(matrix);
    return matrix.members.length === 1 ? full : raw.sliceAxis(full, 0, firstRow, rows);
  });
  return raw.concat(parts, 0);
}

/** The stack that has exactly these members, or null. */
function wholeMatrix(places: ReadonlyMap<string, Place>, names: readonly string[]): FrozenMatrix | null {
  const matrix = places.get(names[0]!)?.matrix;
  return matrix && matrix.members.map(({ name }) => name).join() === names.join() ? matrix : null;
}

/** What lies on the device as products read it has its room filled once a step; what is expanded for a product is joined with its updates. */
function foldedMatrices(
  { runner, plan: { compute }, decoding = false }: WeightsContextOptions,
  places: ReadonlyMap<string, Place>,
  levels: () => Tensor,
): StepContext['foldedMatrix'] {
  const made = new Map<string, Tensor>();
  const once = (key: string, make: () => Tensor): Tensor => {
    const value = made.get(key) ?? runner.forStep(make);
    made.set(key, value);
    return value;
  };
  return (names, beside, after) => {
    const matrix = wholeMatrix(places, names)!;
    const expand = (): Tensor => expandMatrix(runner, matrix, compute, after, levels);
    if (matrix.kept || matrix.kind === compute) {
      return once(matrix.name, () => (decoding ? expand() : fillRoom(expand(), beside())));
    }
    const updates = once(matrix.name, beside);
    return runner.scope(
      () => raw.concat([expand(), updates], 1),
      (joined) => [joined.id],
    );
  };
}

/** Masks from a counter-based generator: one stream per place, so that a recomputed block gets the same mask again. */
function dropoutMasks({ runner, plan, training, seed }: WeightsContextOptions): StepContext['dropoutMask'] {
  const streams = new Map<string, number>();
  return (place, shape, p) => {
    if (!training || p === 0) return null;
    if (!seed) throw new Error('internal: dropout needs a seed');
    const stream = streams.get(place) ?? streams.size;
    streams.set(place, stream);
    return runner.scope(
      () => {
        const uniform = raw.randomUniform(runner, shape, raw.pack([seed, raw.scalar(runner, stream, 'int32')]));
        const kept = raw.cast(raw.compare('GreaterEqual', uniform, p), plan.compute);
        return raw.multiply(kept, 1 / (1 - p));
      },
      (mask) => [mask.id],
    );
  };
}
