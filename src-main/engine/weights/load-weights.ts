/**
 * @file Streams a model's frozen tensors from its files to the device, one matrix at a time, quantizing on the way.
 *
 * Host memory holds two matrices (one, as f32, where it must be quantized) besides what the device holds: the next one is read while
 * one is copied. Every device value is a real copy: the device's own uploads may alias JavaScript memory.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Device } from '../device/device.ts';
import { type DType, DTYPE_CODES } from '../device/dtype.ts';
import { toBindingAttrs, uploadTensor } from '../device/eager-runner.ts';
import type { Attrs, HostArray, ValueId } from '../device/runner.ts';
import { readQuantizedMatrix, storedKindOf } from '../formats/bitsandbytes.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import { dequantizeInt8Rows, type Int8Matrix, quantizeInt8Rows } from '../quant/int8.ts';
import { dequantizeNf4, isStandardNf4, NF4_BLOCKSIZE, type Nf4Matrix, quantizeNf4 } from '../quant/nf4.ts';
import type { SourceDType } from '../quant/source-dtype.ts';
import { type FrozenMatrix, keptVariable, type StackMember, variablesOf } from './frozen-matrix.ts';
import { openCopyMaker } from './kept-copies.ts';
import type { WeightPlan } from './plan.ts';
import { addRoom } from './room.ts';
import { createScratch, type Scratch } from './scratch.ts';

export interface LoadWeightsOptions {
  readonly device: Device;
  /** The weights under the model's own names. */
  readonly folder: ModelFolder;
  readonly plan: WeightPlan;
  /** Tensors that are not as in the file. */
  readonly replaced: ReadonlyMap<string, () => Promise<Float32Array<ArrayBuffer>>>;
  readonly signal?: AbortSignal | undefined;
  /** @param fraction 0 to 1 */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** @returns variable name -> device value; the caller owns them. @throws model/missing-tensor, AbortError */
export async function loadWeights(options: LoadWeightsOptions): Promise<Map<string, ValueId>> {
  const { plan, device, signal, onProgress } = options;
  const reader = makeReader(options);
  const values = new Map<string, ValueId>();
  const copies = openCopyMaker(device, plan.compute);
  const jobs: Job[] = [
    ...plan.matrices.map((matrix): Job => {
      const stack = stackOf(matrix, options);
      return {
        stack,
        async place(bytes) {
          if (stack && bytes) values.set(matrix.name, placeStack(device, stack, bytes));
          else await loadMatrix(device, reader, matrix, values);
          if (matrix.kept) values.set(keptVariable(matrix, plan.compute).name, copies.make(matrix, values));
          const { name, dtype } = matrix.kept ? keptVariable(matrix, plan.compute) : variablesOf(matrix)[0]!;
          if (matrix.room > 0 && dtype === plan.compute) {
            values.set(name, addRoom(device, values.get(name)!, matrix.room, dtype));
          }
        },
      };
    }),
    ...[...plan.tables, ...plan.vectors].map(({ name, dtype, shape }): Job => {
      const stack = plainStack([name], shape, dtype as PlainDType, options);
      return {
        stack,
        async place(bytes) {
          if (stack && bytes) values.set(name, placeStack(device, stack, bytes));
          else values.set(name, await reader.upload(name, shape, dtype as PlainDType));
        },
      };
    }),
  ];
  const readAhead = createReadAhead(options.folder);
  try {
    for (const [index, job] of jobs.entries()) {
      signal?.throwIfAborted();
      await job.place(await readAhead(job.stack, jobs[index + 1]?.stack ?? null));
      onProgress?.((index + 1) / jobs.length);
      await nextTurn();
    }
  } catch (error) {
    for (const id of values.values()) device.deleteTensor(id);
    throw error;
  } finally {
    copies.dispose();
  }
  return values;
}

type PlainDType = 'float32' | 'bfloat16';

interface Job {
  /** What can be copied as it is read; null where values must be made of it. */
  readonly stack: PlainStack | null;
  /** @param bytes of the stack, null without one */
  place(bytes: Uint8Array<ArrayBuffer> | null): Promise<void>;
}

/** Tensors that lie one under the other on the device just as they lie in the files. */
interface PlainStack {
  readonly members: readonly { readonly name: string; readonly bytes: number }[];
  readonly bytes: number;
  readonly shape: readonly number[];
  readonly dtype: PlainDType;
}

const PLAIN_DTYPES: Readonly<Record<PlainDType, string>> = { float32: 'F32', bfloat16: 'BF16' };

function stackOf({ kind, members, columns }: FrozenMatrix, options: LoadWeightsOptions): PlainStack | null {
  if (kind !== 'float32' && kind !== 'bfloat16') return null;
  const rows = members.reduce((sum, member) => sum + member.rows, 0);
  const names = members.map(({ name }) => name);
  return plainStack(names, [rows, columns], kind, options);
}

/** @returns null where a tensor is of another type in the file, or is not the file's */
function plainStack(
  names: readonly string[],
  shape: readonly number[],
  dtype: PlainDType,
  { folder, replaced }: LoadWeightsOptions,
): PlainStack | null {
  const isPlain = (name: string) =>
    !replaced.has(name) && folder.has(name) && folder.entry(name).dtype === PLAIN_DTYPES[dtype];
  if (!names.every(isPlain)) return null;
  const members = names.map((name) => ({ name, bytes: folder.entry(name).byteLength }));
  return { members, bytes: members.reduce((sum, { bytes }) => sum + bytes, 0), shape, dtype };
}

type ReadAhead = (stack: PlainStack | null, next: PlainStack | null) => Promise<Uint8Array<ArrayBuffer> | null>;

/** Larger ones are not read ahead: they would be in memory three times. */
const MOST_AHEAD_BYTES = 64 * 2 ** 20;

/** Two pieces of memory in turn: one is copied from while the next tensors are read into the other. */
function createReadAhead(folder: ModelFolder): ReadAhead {
  const [large, small] = [createScratch(), createScratch()];
  let last = large;
  let coming: { readonly stack: PlainStack; readonly bytes: Promise<Uint8Array<ArrayBuffer>> } | null = null;
  const read = (stack: PlainStack) => {
    last = last === small || stack.bytes > MOST_AHEAD_BYTES ? large : small;
    return readStack(folder, stack, last.take(stack.bytes));
  };
  return async (stack, next) => {
    const bytes = coming && coming.stack === stack ? await coming.bytes : stack && (await read(stack));
    coming = null;
    if (next && next.bytes <= MOST_AHEAD_BYTES) {
      coming = { stack: next, bytes: read(next) };
      // It is waited for at the next turn, unless the loading ends before.
      coming.bytes.catch(() => {});
    }
    return bytes;
  };
}

async function readStack(
  folder: ModelFolder,
  { members }: PlainStack,
  into: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  let done = 0;
  const reads = members.map(({ name, bytes }) => {
    const part = into.subarray(done, done + bytes);
    done += bytes;
    return folder.readRaw(name, { into: part });
  });
  await Promise.all(reads);
  return into;
}

/** f32 is taken as numbers, bf16 as bytes. */
function placeStack(device: Device, { dtype, shape }: PlainStack, bytes: Uint8Array<ArrayBuffer>): ValueId {
  const host = dtype === 'float32' ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) : bytes;
  return copyToDevice(device, host, dtype, shape, dtype);
}

interface Reader {
  /** A tensor on the device in the dtype wanted. */
  upload(name: string, shape: readonly number[], dtype: 'float32' | 'bfloat16'): Promise<ValueId>;
  quantized(name: string): Promise<Nf4Matrix | Int8Matrix | null>;
  floats(name: string): Promise<Float32Array<ArrayBuffer>>;
  sourceDtype(name: string): SourceDType;
}

/** Bytes of a tensor to be converted that are on their way at a time. */
const PIECE_BYTES = 16 << 20;

const FILE_DTYPES: Readonly<Record<string, SourceDType>> = { BF16: 'bfloat16', F16: 'float16' };

function makeReader({ device, folder, replaced }: LoadWeightsOptions): Reader {
  const quantized = async (name: string): Promise<Nf4Matrix | Int8Matrix | null> =>
    storedKindOf(folder, name) === null || replaced.has(name) ? null : readQuantizedMatrix(folder, name);
  const floats = async (name: string): Promise<Float32Array<ArrayBuffer>> => {
    const other = replaced.get(name);
    if (other) return other();
    const stored = await quantized(name);
    if (stored) return stored.kind === 'nf4' ? dequantizeNf4(stored) : dequantizeInt8Rows(stored);
    return folder.readFloat32(name);
  };
  const scratch = createScratch();
  return {
    quantized,
    floats,
    sourceDtype: (name) => (replaced.has(name) ? 'float32' : (FILE_DTYPES[folder.entry(name).dtype] ?? 'float32')),
    async upload(name, shape, dtype) {
      const isMade = replaced.has(name) || storedKindOf(folder, name) !== null;
      if (isMade) return copyToDevice(device, await floats(name), 'float32', shape, dtype);
      return uploadPieces({ device, folder, name, shape, dtype, scratch });
    },
  };
}

interface PiecesOptions extends Pick<LoadWeightsOptions, 'device' | 'folder'> {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: PlainDType;
  readonly scratch: Scratch;
}

/** A tensor of the file that is converted on the device, some rows at a time: neither side needs it whole in both precisions. */
async function uploadPieces({ device, folder, name, shape, dtype, scratch }: PiecesOptions): Promise<ValueId> {
  const { byteLength, dtype: fileDtype } = folder.entry(name);
  const from = fileDtype === 'BF16' ? 'bfloat16' : 'float32';
  const [count = 1, ...rest] = shape;
  const rowBytes = byteLength / Math.max(1, count);
  const most = Math.max(1, Math.min(count, Math.floor(PIECE_BYTES / rowBytes)));
  const parts: ValueId[] = [];
  try {
    for (let first = 0; first < count; first += most) {
      const end = Math.min(first + most, count);
      const options = { rows: [first, end], into: scratch.take((end - first) * rowBytes) } as const;
      const host = await (from === 'bfloat16' ? folder.readRaw(name, options) : folder.readFloat32(name, options));
      parts.push(copyToDevice(device, host, from, [end - first, ...rest], dtype));
    }
  } catch (error) {
    for (const id of parts) device.deleteTensor(id);
    throw error;
  }
  return joinRows(device, parts, dtype);
}

async function loadMatrix(
  device: Device,
  reader: Reader,
  matrix: FrozenMatrix,
  values: Map<string, ValueId>,
): Promise<void> {
  const { kind, members, columns, name } = matrix;
  if (kind === 'float32' || kind === 'bfloat16') {
    const parts: ValueId[] = [];
    for (const member of members) parts.push(await reader.upload(member.name, [member.rows, columns], kind));
    values.set(name, joinRows(device, parts, kind));
    return;
  }
  const parts: ValueId[] = [];
  const scales: ValueId[] = [];
  for (const member of members) {
    const stored = await reader.quantized(member.name);
    if (kind === 'int8') {
      const q = stored?.kind === 'int8' ? stored : await quantizeRows(reader, member, columns);
      parts.push(copyToDevice(device, asBytes(q.weight), 'int8', [member.rows, columns], 'int8'));
      scales.push(copyToDevice(device, q.scb, 'float32', [member.rows, 1], 'float32'));
    } else {
      const q =
        stored?.kind === 'nf4' && isStandardNf4(stored, matrix.doubleQuant)
          ? stored
          : await quantizeBlocks(reader, member, columns, matrix.doubleQuant);
      const padded = new Uint8Array((Math.ceil((member.rows * columns) / NF4_BLOCKSIZE) * NF4_BLOCKSIZE) / 2);
      padded.set(q.packed);
      parts.push(copyToDevice(device, padded, 'uint8', [padded.length], 'uint8'));
      uploadMaxima(device, member.name, q, values);
    }
  }
  values.set(name, joinRows(device, parts, kind === 'int8' ? 'int8' : 'uint8'));
  if (kind === 'int8') values.set(`${name}.SCB`, joinRows(device, scales, 'float32'));
}

async function quantizeRows(reader: Reader, { name, rows }: StackMember, columns: number): Promise<Int8Matrix> {
  return quantizeInt8Rows(await reader.floats(name), [rows, columns], { sourceDtype: reader.sourceDtype(name), name });
}

async function quantizeBlocks(
  reader: Reader,
  { name, rows }: StackMember,
  columns: number,
  doubleQuant: boolean,
): Promise<Nf4Matrix> {
  const sourceDtype = reader.sourceDtype(name);
  return quantizeNf4(await reader.floats(name), [rows, columns], { doubleQuant, sourceDtype, name });
}

function uploadMaxima(device: Device, name: string, { absmax }: Nf4Matrix, values: Map<string, ValueId>): void {
  if (absmax instanceof Float32Array) {
    values.set(`${name}.absmax`, copyToDevice(device, absmax, 'float32', [absmax.length], 'float32'));
    return;
  }
  const { codes, nestedAbsmax, offset } = absmax;
  values.set(`${name}.absmax`, copyToDevice(device, codes, 'uint8', [codes.length], 'uint8'));
  values.set(`${name}.nested_absmax`, copyToDevice(device, nestedAbsmax, 'float32', [nestedAbsmax.length], 'float32'));
  values.set(`${name}.nested_offset`, copyToDevice(device, Float32Array.of(offset), 'float32', [], 'float32'));
}

const asBytes = (values: Int8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Host values to a device value of its own, converted there if need be. */
export function copyToDevice(
  device: Device,
  host: HostArray,
  from: DType,
  shape: readonly number[],
  to: DType,
): ValueId {
  const alias = uploadTensor(device, host, from, shape);
  const attrs: Attrs =
    from === to ? { T: { type: to } } : { SrcT: { type: from }, DstT: { type: to }, Truncate: false };
  try {
    return device.executeOp(from === to ? 'DeepCopy' : 'Cast', toBindingAttrs(attrs), [alias], 1)[0]!.id;
  } finally {
    device.deleteTensor(alias);
  }
}

/** Lays values one under the other; frees the parts. */
function joinRows(device: Device, parts: readonly ValueId[], dtype: DType): ValueId {
  if (parts.length === 1) return parts[0]!;
  const axis = device.createTensor([], DTYPE_CODES.int32, Int32Array.of(0));
  const attrs = toBindingAttrs({ N: parts.length, T: { type: dtype }, Tidx: { type: 'int32' } });
  try {
    return device.executeOp('ConcatV2', attrs, [...parts, axis], 1)[0]!.id;
  } finally {
    for (const id of [...parts, axis]) device.deleteTensor(id);
  }
}
