/**
 * @file Decides how each tensor of a model is kept on the device: which are trained, which are stacked, in what precision.
 */
import type { FloatDType } from '../device/dtype.ts';
import type { Variable } from '../device/runner.ts';
import type { Model } from '../models/model.ts';
import { unquantizedWeights } from '../models/unquantized.ts';
import type { UpdateSpec, WeightSpec } from '../nn/weight-spec.ts';
import { roomFor } from './room.ts';
import {
  bytesOf,
  bytesOfVariable,
  type FrozenMatrix,
  keptVariable,
  type StorageKind,
  variablesOf,
} from './frozen-matrix.ts';

export interface WeightPlanOptions {
  /** How linears are stored. Output heads, embeddings, norms and what a family keeps whole stay in the compute dtype. */
  readonly storage: StorageKind;
  readonly doubleQuant: boolean;
  readonly compute: FloatDType;
  /** Names that are trained, hence not among the frozen ones. */
  readonly trained: ReadonlySet<string>;
  /** Most bytes that expanded copies of quantized matrices may take; none where left out. */
  readonly keptBytes?: number;
  /** Updates of linears are computed beside the weights (room.ts); not where left out. */
  readonly folded?: boolean;
}

export interface WeightPlan {
  readonly matrices: readonly FrozenMatrix[];
  readonly tables: readonly Variable[];
  /** Low-rank updates of tables by their names. */
  readonly tableUpdates: ReadonlyMap<string, UpdateSpec>;
  /** Rows of tables that learn nothing when they are looked up, by the tables' names. */
  readonly paddingRows: ReadonlyMap<string, number>;
  /** f32. */
  readonly vectors: readonly Variable[];
  readonly compute: FloatDType;
  /** Bytes of all frozen weights on the device, as they are stored. */
  readonly bytes: number;
  /** Bytes of the expanded copies beside them. */
  readonly keptBytes: number;
}

export function planWeights(model: Model, options: WeightPlanOptions): WeightPlan {
  const { storage, doubleQuant, compute, trained, keptBytes: most = 0, folded = false } = options;
  const frozen = model.weights.filter(({ name }) => !trained.has(name));
  const plain = unquantizedWeights(model);
  const updates = new Map(model.linears.map(({ path, update }) => [`${path}.weight`, update]));
  let keptBytes = 0;
  const matrices = stacksOf(frozen, trained, model.weights).map((specs): FrozenMatrix => {
    const [first] = specs as [WeightSpec];
    const matrix = {
      name: first.name,
      kind: plain.has(first.name) && storage !== 'float32' ? compute : storage,
      members: specs.map(({ name, shape }) => ({ name, rows: shape[0]! })),
      columns: first.shape[1]!,
      doubleQuant,
      kept: false,
      room: folded ? roomFor(specs.map(({ name }) => updates.get(name) ?? null)) : 0,
    };
    const copyBytes = bytesOfVariable(keptVariable(matrix, compute));
    if ((matrix.kind !== 'int8' && matrix.kind !== 'nf4') || keptBytes + copyBytes > most) return matrix;
    keptBytes += copyBytes;
    return { ...matrix, kept: true };
  });
  const tables = frozen
    .filter(({ role }) => role === 'embedding')
    .map(({ name, shape }): Variable => ({ name, dtype: compute, shape }));
  const tableUpdates = new Map(model.weights.flatMap(({ name, update }) => (update ? [[name, update]] : [])));
  const paddingRows = new Map(
    model.weights.flatMap(({ name, paddingRow = null }) => (paddingRow === null ? [] : [[name, paddingRow]])),
  );
  const vectors = frozen
    .filter(({ role }) => role === 'vector')
    .map(({ name, shape }): Variable => ({ name, dtype: 'float32', shape }));
  const bytes =
    matrices.reduce((sum, matrix) => sum + bytesOf(matrix), 0) +
    [...tables, ...vectors].reduce((sum, variable) => sum + bytesOfVariable(variable), 0);
  return { matrices, tables, tableUpdates, paddingRows, vectors, compute, bytes, keptBytes };
}

/** Every variable of a plan. */
export function planVariables({ matrices, tables, vectors, compute }: WeightPlan): Variable[] {
  const copies = matrices.filter(({ kept }) => kept).map((matrix) => keptVariable(matrix, compute));
  return [...matrices.flatMap(variablesOf), ...tables, ...vectors, ...copies];
}

/** Matrices by stack, where the whole stack is frozen; else one by one. */
function stacksOf(
  frozen: readonly WeightSpec[],
  trained: ReadonlySet<string>,
  all: readonly WeightSpec[],
): WeightSpec[][] {
  const broken = new Set(all.filter(({ name }) => trained.has(name)).map(({ stack }) => stack));
  const stacks = new Map<string, WeightSpec[]>();
  for (const spec of frozen.filter(({ role }) => role === 'matrix')) {
    const key = spec.stack === undefined || broken.has(spec.stack) ? spec.name : spec.stack;
    const members = stacks.get(key) ?? [];
    members.push(spec);
    stacks.set(key, members);
  }
  return [...stacks.values()];
}
