/**
 * @file A frozen weight matrix as it lies in device memory: f32, bf16, INT8 or NF4, alone or stacked with its neighbours.
 *
 * Quantized matrices are expanded each time they are used and the expanded copy is dropped at once (Dettmers et al. 2023), unless
 * there is room to keep it. INT8 and NF4 bytes are bitsandbytes'; the values are computed in f32 and then rounded to the compute dtype,
 * as there.
 */
import { bytesPerElement, type FloatDType } from '../device/dtype.ts';
import type { Runner, Variable } from '../device/runner.ts';
import * as raw from '../ops/primitives.ts';
import { makeTensor, type Tensor } from '../ops/tensor.ts';
import { dynamicMap, NESTED_BLOCKSIZE } from '../quant/dynamic-map.ts';
import { NF4_BLOCKSIZE, NF4_LEVELS } from '../quant/nf4.ts';

export type StorageKind = 'float32' | 'bfloat16' | 'int8' | 'nf4';

/** One matrix of a stack. */
export interface StackMember {
  readonly name: string;
  readonly rows: number;
}

export interface FrozenMatrix {
  /** Name of its first variable's stem, for instance `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly kind: StorageKind;
  readonly members: readonly StackMember[];
  readonly columns: number;
  /** NF4 with the block maxima quantized too. */
  readonly doubleQuant: boolean;
  /** An expanded copy in the compute dtype stays on the device beside it: faster, and the same values. */
  readonly kept: boolean;
  /** Columns beside it for the updates of its linears (room.ts), in the copy that products read; 0 = none. */
  readonly room: number;
}

const rowsOf = ({ members }: FrozenMatrix): number => members.reduce((sum, { rows }) => sum + rows, 0);
const blocksOf = (rows: number, columns: number): number => Math.ceil((rows * columns) / NF4_BLOCKSIZE);

/** The device memory behind a matrix. */
export function variablesOf(matrix: FrozenMatrix): Variable[] {
  const { name, kind, columns, members, doubleQuant, room } = matrix;
  if (kind === 'float32' || kind === 'bfloat16') {
    return [{ name, dtype: kind, shape: [rowsOf(matrix), columns + room] }];
  }
  if (kind === 'int8') {
    return [
      { name, dtype: 'int8', shape: [rowsOf(matrix), columns] },
      { name: `${name}.SCB`, dtype: 'float32', shape: [rowsOf(matrix), 1] },
    ];
  }
  const packed = members.reduce((sum, { rows }) => sum + (blocksOf(rows, columns) * NF4_BLOCKSIZE) / 2, 0);
  return [
    { name, dtype: 'uint8', shape: [packed] },
    ...members.flatMap((member): Variable[] => absmaxVariables(member, columns, doubleQuant)),
  ];
}

function absmaxVariables({ name, rows }: StackMember, columns: number, doubleQuant: boolean): Variable[] {
  const blocks = blocksOf(rows, columns);
  if (!doubleQuant) return [{ name: `${name}.absmax`, dtype: 'float32', shape: [blocks] }];
  return [
    { name: `${name}.absmax`, dtype: 'uint8', shape: [blocks] },
    { name: `${name}.nested_absmax`, dtype: 'float32', shape: [Math.ceil(blocks / NESTED_BLOCKSIZE)] },
    { name: `${name}.nested_offset`, dtype: 'float32', shape: [] },
  ];
}

/** Where the expanded copy of a kept matrix lies. */
export function keptVariable(matrix: FrozenMatrix, compute: FloatDType): Variable {
  return { name: `${matrix.name}.expanded`, dtype: compute, shape: [rowsOf(matrix), matrix.columns + matrix.room] };
}

/** Bytes on the device, without a kept copy. */
export function bytesOf(matrix: FrozenMatrix): number {
  return variablesOf(matrix).reduce((sum, variable) => sum + bytesOfVariable(variable), 0);
}

export function bytesOfVariable({ dtype, shape }: Variable): number {
  return shape.reduce((product, size) => product * size, bytesPerElement(dtype));
}

/**
 * The matrix in the dtype that products run in.
 * @param after keeps a graph from expanding it before this value exists; null = no matter when
 * @param levels gives `levelQuads`, made once for a step
 * @returns [rows, columns], owned by the current scope unless it is the stored value or the kept copy, which have their room beside them
 */
export function expandMatrix(
  runner: Runner,
  matrix: FrozenMatrix,
  compute: FloatDType,
  after: Tensor | null,
  levels: () => Tensor = () => levelQuads(runner),
): Tensor {
  if (matrix.kept) return readVariable(runner, keptVariable(matrix, compute));
  return expandStored(runner, matrix, compute, after, levels);
}

/** `expandMatrix` from the stored values even where a copy is kept: how that copy is made. */
export function expandStored(
  runner: Runner,
  matrix: FrozenMatrix,
  compute: FloatDType,
  after: Tensor | null,
  levels: () => Tensor = () => levelQuads(runner),
): Tensor {
  const { kind, columns } = matrix;
  const [stored] = variablesOf(matrix) as [Variable];
  const value = makeTensor(runner, runner.read(stored), stored.dtype, stored.shape);
  if (kind === compute) return value;
  return runner.scope(
    () => {
      const held = after ? { ...value, id: runner.barrier(value.id, value.dtype, after.id) } : value;
      if (kind === 'int8') return expandInt8(held, readVariable(runner, variablesOf(matrix)[1]!), compute);
      if (kind === 'nf4') return raw.reshape(expandNf4(held, matrix, compute, levels()), [rowsOf(matrix), columns]);
      return raw.cast(held, compute);
    },
    (result) => [result.id],
  );
}

function readVariable(runner: Runner, variable: Variable): Tensor {
  return makeTensor(runner, runner.read(variable), variable.dtype, variable.shape);
}

/**
 * q * (SCB / 127), row by row, in f32 and then rounded. bitsandbytes multiplies from left to right, which differs by 1e-7 and takes
 * another pass over the matrix; TensorFlow's graph optimizer would change it to this order anyway.
 */
function expandInt8(q: Tensor, scb: Tensor, compute: FloatDType): Tensor {
  const scale = raw.multiply(scb, Math.fround(7.874015718698502e-3));
  return raw.cast(raw.multiply(raw.cast(q, 'float32'), scale), compute);
}

/** Two bytes name four levels: one lookup gives them all, the block maxima scale them. */
function expandNf4(packed: Tensor, matrix: FrozenMatrix, compute: FloatDType, table: Tensor): Tensor {
  const { runner } = packed;
  const { members, columns } = matrix;
  const maxima = raw.concat(
    members.map((member) => blockMaxima(runner, member, columns, matrix.doubleQuant)),
    0,
  );
  const blocks = members.reduce((sum, { rows }) => sum + blocksOf(rows, columns), 0);
  const words = raw.bitcastBytes(packed, 'uint16', [(blocks * NF4_BLOCKSIZE) / 4]);
  const quads = raw.gatherRows(table, raw.cast(words, 'int32')); // [words, 4]
  const scaled = raw.multiply(raw.reshape(quads, [blocks, NF4_BLOCKSIZE]), raw.reshape(maxima, [blocks, 1]));
  return dropPadding(raw.cast(scaled, compute), matrix);
}

function blockMaxima(runner: Runner, member: StackMember, columns: number, doubleQuant: boolean): Tensor {
  const variables = absmaxVariables(member, columns, doubleQuant);
  const [codes, nested, offset] = variables.map((variable) => readVariable(runner, variable)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  if (!doubleQuant) return codes;
  const blocks = blocksOf(member.rows, columns);
  const groups = Math.ceil(blocks / NESTED_BLOCKSIZE);
  const levels = raw.gatherRows(raw.constant(runner, dynamicMap(), 'float32', [256]), raw.cast(codes, 'int32'));
  const missing = groups * NESTED_BLOCKSIZE - blocks;
  const padded = missing === 0 ? levels : raw.concat([levels, raw.fill(runner, [missing], 0)], 0);
  const scaled = raw.multiply(raw.reshape(padded, [groups, NESTED_BLOCKSIZE]), raw.reshape(nested, [groups, 1]));
  const flat = raw.reshape(scaled, [groups * NESTED_BLOCKSIZE]);
  return raw.add(missing === 0 ? flat : raw.sliceAxis(flat, 0, 0, blocks), offset);
}

/** Members whose size is no multiple of the block carry filler at their end. */
function dropPadding(values: Tensor, { members, columns }: FrozenMatrix): Tensor {
  const sizes = members.flatMap(({ rows }) => {
    const real = rows * columns;
    const filler = blocksOf(rows, columns) * NF4_BLOCKSIZE - real;
    return filler === 0 ? [real] : [real, filler];
  });
  if (sizes.length === members.length) return values;
  const total = sizes.reduce((a, b) => a + b, 0);
  const parts = raw.split(raw.reshape(values, [total]), sizes, 0);
  const real: Tensor[] = [];
  let at = 0;
  for (const { rows } of members) {
    real.push(parts[at]!);
    at += (rows * columns) % NF4_BLOCKSIZE === 0 ? 1 : 2;
  }
  return raw.concat(real, 0);
}

/**
 * Two bytes, the first one in the lower half of the number -> the levels of their four halves, upper half first. Made on the device of
 * a small constant: a large one is copied again and again while TensorFlow prepares a graph.
 * @returns [65536, 4]; shared by all matrices of a step
 */
export function levelQuads(runner: Runner): Tensor {
  return runner.scope(
    () => {
      const pairs = raw.constant(runner, bytePairs(), 'float32', [256, 2]);
      const everyFirst = raw.multiply(raw.reshape(pairs, [1, 256, 2]), raw.fill(runner, [256, 1, 1], 1));
      const everySecond = raw.multiply(raw.reshape(pairs, [256, 1, 2]), raw.fill(runner, [1, 256, 1], 1));
      return raw.reshape(raw.concat([everyFirst, everySecond], 2), [65536, 4]);
    },
    (table) => [table.id],
  );
}

/** byte -> (level of its upper half, level of its lower half) */
function bytePairs(): Float32Array<ArrayBuffer> {
  const pairs = new Float32Array(512);
  for (let byte = 0; byte < 256; byte += 1) {
    pairs[byte * 2] = NF4_LEVELS[byte >> 4]!;
    pairs[byte * 2 + 1] = NF4_LEVELS[byte & 15]!;
  }
  return pairs;
}
