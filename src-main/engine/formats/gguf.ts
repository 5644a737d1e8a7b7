/**
 * @file Writes GGUF files (version 3), the format of llama.cpp and what builds on it.
 *
 * Layout (ggml/docs/gguf.md): magic, version, number of tensors and of key-value pairs; the pairs; a description of each tensor with its
 * sizes from the fastest axis on; then the data, each tensor at a multiple of 32 bytes. All numbers are little-endian. Which pairs and
 * tensor names a model needs is not known here.
 */
import { writeFileBeside } from './atomic-output.ts';
import { float32ToF16 } from './float-conversion.ts';
import { encodeFloats, viewAsBytes } from './tensor-data.ts';

const VERSION = 3;
const ALIGNMENT = 32;

/** Storage of a tensor: its number in ggml.h, and the bytes of a block of values. */
const TENSOR_TYPES = {
  f32: { code: 0, blockValues: 1, blockBytes: 4 },
  f16: { code: 1, blockValues: 1, blockBytes: 2 },
  bf16: { code: 30, blockValues: 1, blockBytes: 2 },
  q8_0: { code: 8, blockValues: 32, blockBytes: 34 },
} as const;

export type GgufTensorType = keyof typeof TENSOR_TYPES;

/** Types of values with their numbers in the format. */
const VALUE_CODES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9, uint64: 10 } as const;

interface ScalarValues {
  readonly uint32: number;
  readonly int32: number;
  readonly float32: number;
  readonly bool: boolean;
  readonly string: string;
  readonly uint64: number;
}

type ScalarType = keyof ScalarValues;
type ScalarValue = { readonly [T in ScalarType]: { readonly type: T; readonly value: ScalarValues[T] } }[ScalarType];
type ArrayValue = {
  readonly [T in ScalarType]: { readonly type: 'array'; readonly of: T; readonly values: readonly ScalarValues[T][] };
}[ScalarType];

/** A value of a key. Readers are strict about types: `uint32` for counts, `float32` for rates. */
export type GgufValue = ScalarValue | ArrayValue;

export interface GgufTensor {
  readonly name: string;
  /** As in PyTorch, slowest axis first. */
  readonly shape: readonly number[];
  readonly type: GgufTensorType;
  /** Row-major values; asked for when the tensor's turn comes. */
  readonly values: () => Promise<Float32Array<ArrayBuffer>>;
}

export interface GgufFile {
  /** In the order to write; `general.architecture` comes first by custom. */
  readonly metadata: readonly (readonly [key: string, value: GgufValue])[];
  readonly tensors: readonly GgufTensor[];
}

/**
 * Writes a file beside, flushes and renames it; one tensor is in memory at a time.
 * @throws disk/full, file/not-permitted; nothing is left behind then
 */
export async function writeGguf(path: string, file: GgufFile): Promise<void> {
  await writeFileBeside(path, async (sink) => {
    for await (const chunk of streamGguf(file)) await sink.write(chunk);
  });
}

/** The file's bytes piece by piece. */
export async function* streamGguf(file: GgufFile): AsyncGenerator<Uint8Array> {
  const header = encodeHeader(file);
  yield header;
  yield padding(header.length);
  for (const tensor of file.tensors) {
    const bytes = encodeGgufTensor(await tensor.values(), tensor.type);
    if (bytes.length !== ggufBytes(tensor)) {
      throw new Error(`internal: gguf: ${tensor.name} needs ${ggufBytes(tensor)} bytes, got ${bytes.length}`);
    }
    yield bytes;
    yield padding(bytes.length);
  }
}

/** Whether a tensor of this shape can be stored so: quantized rows must be whole blocks. */
export function canStoreAs(shape: readonly number[], type: GgufTensorType): boolean {
  return (shape.at(-1) ?? 1) % TENSOR_TYPES[type].blockValues === 0;
}

/** Bytes of a tensor's data, without padding. */
export function ggufBytes({ shape, type }: Pick<GgufTensor, 'shape' | 'type'>): number {
  const { blockValues, blockBytes } = TENSOR_TYPES[type];
  return (shape.reduce((product, size) => product * size, 1) / blockValues) * blockBytes;
}

/** The data of a tensor as it is stored. */
export function encodeGgufTensor(values: Float32Array<ArrayBuffer>, type: GgufTensorType): Uint8Array<ArrayBuffer> {
  switch (type) {
    case 'f32':
      return encodeFloats(values, 'F32');
    case 'f16':
      return encodeFloats(values, 'F16');
    case 'bf16':
      return encodeFloats(values, 'BF16');
    case 'q8_0':
      return quantizeQ8(values);
  }
}

/**
 * Q8_0: 32 values share a half-precision scale, the largest magnitude over 127; each is stored as a whole number of scales, halves
 * rounded away from zero. The unrounded scale divides, the rounded one is stored: so does llama.cpp.
 */
function quantizeQ8(values: Float32Array): Uint8Array<ArrayBuffer> {
  const { fround } = Math;
  const { blockValues, blockBytes } = TENSOR_TYPES.q8_0;
  const blocks = values.length / blockValues;
  const bytes = new Uint8Array(blocks * blockBytes);
  const scales = new Float32Array(blocks);
  for (let block = 0; block < blocks; block += 1) {
    const start = block * blockValues;
    let largest = 0;
    for (let i = 0; i < blockValues; i += 1) largest = Math.max(largest, Math.abs(values[start + i]!));
    scales[block] = largest / 127;
    if (largest === 0) continue;
    const inverse = fround(1 / scales[block]!);
    for (let i = 0; i < blockValues; i += 1) {
      const scaled = fround(values[start + i]! * inverse);
      bytes[block * blockBytes + 2 + i] = Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5);
    }
  }
  const halves = viewAsBytes(float32ToF16(scales));
  for (let block = 0; block < blocks; block += 1) {
    bytes.set(halves.subarray(block * 2, block * 2 + 2), block * blockBytes);
  }
  return bytes;
}

function encodeHeader({ metadata, tensors }: GgufFile): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.bytes(new TextEncoder().encode('GGUF'));
  writer.uint32(VERSION);
  writer.uint64(tensors.length);
  writer.uint64(metadata.length);
  for (const [key, value] of metadata) {
    writer.text(key);
    writer.uint32(VALUE_CODES[value.type]);
    if (value.type !== 'array') writer.scalar(value.type, value.value);
    else {
      writer.uint32(VALUE_CODES[value.of]);
      writer.uint64(value.values.length);
      for (const item of value.values) writer.scalar(value.of, item);
    }
  }
  let offset = 0;
  for (const tensor of tensors) {
    if (!canStoreAs(tensor.shape, tensor.type)) {
      throw new Error(`internal: gguf: ${tensor.name} [${tensor.shape.join()}] cannot be ${tensor.type}`);
    }
    writer.text(tensor.name);
    writer.uint32(tensor.shape.length);
    for (const size of [...tensor.shape].reverse()) writer.uint64(size);
    writer.uint32(TENSOR_TYPES[tensor.type].code);
    writer.uint64(offset);
    offset += align(ggufBytes(tensor));
  }
  return writer.finish();
}

function align(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function padding(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(align(length) - length);
}

/** Grows as it is written to; tokenizers make headers of several megabytes. */
class ByteWriter {
  #view = new DataView(new ArrayBuffer(1 << 16));
  #length = 0;

  uint32(value: number): void {
    this.#view.setUint32(this.#reserve(4), value, true);
  }

  uint64(value: number): void {
    this.#view.setBigUint64(this.#reserve(8), BigInt(value), true);
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.uint64(bytes.length);
    this.bytes(bytes);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    new Uint8Array(this.#view.buffer).set(bytes, at);
  }

  scalar(type: ScalarType, value: string | number | boolean): void {
    if (type === 'string') this.text(String(value));
    else if (type === 'bool') this.#view.setUint8(this.#reserve(1), value ? 1 : 0);
    else if (type === 'uint64') this.uint64(Number(value));
    else if (type === 'uint32') this.uint32(Number(value));
    else if (type === 'int32') this.#view.setInt32(this.#reserve(4), Number(value), true);
    else this.#view.setFloat32(this.#reserve(4), Number(value), true);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#view.buffer, 0, this.#length);
  }

  /** @returns where the bytes go */
  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#view.byteLength) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#view.byteLength));
      grown.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}
