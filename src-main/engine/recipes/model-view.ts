/**
 * @file A model folder seen through its model: the model's names in place of the file's, and weights of a new head among them.
 */
import type { ModelFolder } from '../formats/model-folder.ts';
import { encodeFloats } from '../formats/tensor-data.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';
import type { AnyModel } from '../models/model.ts';
import { drawNormal } from '../peft/initial-values.ts';

/** The same folder with the model's names; what stands beside a quantized weight moves along. */
export function renameTensors(files: ModelFolder, model: Pick<AnyModel, 'sanitizeName'>): ModelFolder {
  const toFile = new Map<string, string>();
  for (const name of files.names()) {
    const own = model.sanitizeName(name);
    // Of several tensors that are the same one, the one that has its name.
    if (own !== null && (own === name || !toFile.has(own))) toFile.set(own, name);
  }
  const fileName = (name: string): string => {
    const known = toFile.get(name);
    if (known !== undefined) return known;
    const companion = /^(.*\.)(weight\..+|SCB|weight_format)$/.exec(name);
    const weight = companion && toFile.get(`${companion[1]!}weight`);
    return weight?.endsWith('weight') ? weight.replace(/weight$/, companion![2]!) : name;
  };
  return {
    ...files,
    names: () => [...toFile.keys()],
    has: (name) => files.has(fileName(name)),
    entry: (name) => files.entry(fileName(name)),
    fileOf: (name) => files.fileOf(fileName(name)),
    readRaw: (name, options) => files.readRaw(fileName(name), options),
    readFloat32: (name, options) => files.readFloat32(fileName(name), options),
  };
}

/**
 * The same folder with weights that its files lack, or hold in another shape: drawn as transformers draws them, normal around zero with
 * `initializer_range`, biases zero. The values depend on seed and name alone.
 */
export function addFreshTensors(folder: ModelFolder, specs: readonly WeightSpec[], seed: number): ModelFolder {
  const { initializer_range: range } = folder.config;
  const deviation = typeof range === 'number' ? range : 0.02;
  const fresh = new Map(specs.map((spec) => [spec.name, spec]));
  const draw = ({ name, shape, role }: WeightSpec): Float32Array<ArrayBuffer> => {
    const size = shape.reduce((product, side) => product * side, 1);
    return role === 'vector' ? new Float32Array(size) : drawNormal(seed, name, size, deviation);
  };
  const rowsOf = ({ shape }: WeightSpec, values: Float32Array<ArrayBuffer>, rows?: readonly [number, number]) => {
    const columns = values.length / shape[0]!;
    const [first, end] = rows ?? [0, shape[0]!];
    return values.subarray(first * columns, end * columns);
  };
  return {
    ...folder,
    names: () => [...folder.names().filter((name) => !fresh.has(name)), ...fresh.keys()],
    has: (name) => fresh.has(name) || folder.has(name),
    entry: (name) => {
      const spec = fresh.get(name);
      if (!spec) return folder.entry(name);
      return {
        dtype: 'F32',
        shape: [...spec.shape],
        byteLength: 4 * spec.shape.reduce((size, side) => size * side, 1),
      };
    },
    fileOf: (name) => (fresh.has(name) ? folder.path : folder.fileOf(name)),
    readRaw: async (name, options) => {
      const spec = fresh.get(name);
      if (!spec) return folder.readRaw(name, options);
      const bytes = encodeFloats(rowsOf(spec, draw(spec), options?.rows), 'F32');
      options?.into?.set(bytes);
      return options?.into ?? bytes;
    },
    readFloat32: async (name, options) => {
      const spec = fresh.get(name);
      return spec ? rowsOf(spec, draw(spec), options?.rows).slice() : folder.readFloat32(name, options);
    },
  };
}
