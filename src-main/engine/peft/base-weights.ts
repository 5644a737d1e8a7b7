/**
 * @file The model's own weights by our names, read when asked for.
 */
import { readQuantizedMatrix, storedKindOf } from '../formats/bitsandbytes.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import { dequantizeInt8Rows } from '../quant/int8.ts';
import { dequantizeNf4 } from '../quant/nf4.ts';
import type { AdaptableModel } from './adaptable-model.ts';

/** Reads a tensor as float32 values. @throws model/missing-tensor, model/unsupported-dtype */
export type ReadBase = (name: string) => Promise<Float32Array<ArrayBuffer>>;

/** Our name -> the file's. */
export function mapFileNames(
  model: Pick<AdaptableModel, 'sanitizeName'>,
  folder: Pick<ModelFolder, 'names'>,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of folder.names()) {
    const own = model.sanitizeName(name);
    if (own !== null) names.set(own, name);
  }
  return names;
}

/** Reader of a folder; matrices that are stored quantized are expanded. */
export function makeBaseReader(model: Pick<AdaptableModel, 'sanitizeName'>, folder: ModelFolder): ReadBase {
  const fileNames = mapFileNames(model, folder);
  return async (name) => {
    const fileName = fileNames.get(name) ?? name;
    if (folder.has(fileName) && storedKindOf(folder, fileName) !== null) {
      const stored = await readQuantizedMatrix(folder, fileName);
      return stored.kind === 'nf4' ? dequantizeNf4(stored) : dequantizeInt8Rows(stored);
    }
    return folder.readFloat32(fileName);
  };
}
