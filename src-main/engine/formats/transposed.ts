/**
 * @file Matrices that a file holds as [in, out] (GPT-2's Conv1D), given and taken as [out, in].
 */
import { storedKindOf } from './bitsandbytes.ts';
import type { ModelFolder } from './model-folder.ts';
import type { ReadTensorOptions } from './safetensors.ts';
import { decodeFloats, isFloatFileDType } from './tensor-data.ts';

/**
 * The same folder with the named tensors the other way round. Quantized ones stay: bitsandbytes stores every matrix as [out, in].
 * @param isTransposed asked with the folder's names
 */
export function transposeTensors(folder: ModelFolder, isTransposed: (name: string) => boolean): ModelFolder {
  const isTurned = (name: string): boolean =>
    isTransposed(name) && folder.entry(name).shape.length === 2 && storedKindOf(folder, name) === null;
  // Kept while it is read row by row.
  let last: { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> } | null = null;
  const readTurned = async (name: string, { rows, into }: ReadTensorOptions = {}) => {
    const [height, width] = folder.entry(name).shape as [number, number];
    if (last?.name !== name) last = { name, bytes: transposeBytes(await folder.readRaw(name), height, width) };
    const { bytes } = last;
    const rowBytes = bytes.length / width;
    const [first, end] = rows ?? [0, width];
    if (end === width) last = null;
    const part = bytes.subarray(first * rowBytes, end * rowBytes);
    into?.set(part);
    return into ?? part;
  };
  return {
    ...folder,
    entry: (name) => {
      const entry = folder.entry(name);
      return isTurned(name) ? { ...entry, shape: [...entry.shape].reverse() } : entry;
    },
    readRaw: async (name, options) => (isTurned(name) ? readTurned(name, options) : folder.readRaw(name, options)),
    readFloat32: async (name, options) => {
      const { dtype } = folder.entry(name);
      if (!isTurned(name) || !isFloatFileDType(dtype)) return folder.readFloat32(name, options);
      return decodeFloats(await readTurned(name, options), dtype);
    },
  };
}

/** [height, width] -> [width, height], for elements of any size. */
export function transposeBytes(bytes: Uint8Array, height: number, width: number): Uint8Array<ArrayBuffer> {
  const size = bytes.length / (height * width);
  const turned = new Uint8Array(bytes.length);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const from = (row * width + column) * size;
      const to = (column * height + row) * size;
      for (let byte = 0; byte < size; byte += 1) turned[to + byte] = bytes[from + byte]!;
    }
  }
  return turned;
}

/** [height, width] -> [width, height]. */
export function transposeFloats(values: Float32Array, height: number, width: number): Float32Array<ArrayBuffer> {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) turned[column * height + row] = values[row * width + column]!;
  }
  return turned;
}
