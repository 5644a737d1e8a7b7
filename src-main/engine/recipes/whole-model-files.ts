/**
 * @file A fully fine-tuned model as a Hugging Face folder: trained weights in the precision of the original file, all else as it was.
 */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeModelConfig } from '../formats/config-text.ts';
import { type ModelFolder, SINGLE_FILE } from '../formats/model-folder.ts';
import { streamSafetensors, type TensorToWrite } from '../formats/safetensors.ts';
import { encodeFloats, isFloatFileDType } from '../formats/tensor-data.ts';
import { transposeFloats } from '../formats/transposed.ts';
import { listCompanions } from '../formats/write-model-folder.ts';
import { transposedNames } from '../nn/weight-spec.ts';
import { mapFileNames } from '../peft/base-weights.ts';
import type { FileContent, FileSet } from './contract.ts';
import { openFilesToWrite } from './files-to-write.ts';
import type { PreparedRun } from './prepare-run.ts';

/** @param tensors trained values by our names */
export async function wholeModelFiles(
  { config, opened }: PreparedRun,
  tensors: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): Promise<FileSet> {
  const dir = config.model.path;
  const files = new Map<string, FileContent>();
  for (const name of await listCompanions(dir)) files.set(name, createReadStream(path.join(dir, name)));
  const original = await readFile(path.join(dir, 'config.json'), 'utf8');
  const folder = await openFilesToWrite(opened);
  const configText = encodeModelConfig(folder.config, original);
  files.set('config.json', new TextEncoder().encode(configText));
  files.set(SINGLE_FILE, weights(folder, opened.model, tensors));
  return files;
}

/** Closes the folder when the writing ends. */
async function* weights(
  folder: ModelFolder,
  model: PreparedRun['opened']['model'],
  tensors: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array> {
  const transposed = transposedNames(model.weights);
  try {
    const list = [...mapFileNames(model, folder)].map(([own, name]): TensorToWrite => {
      const { dtype, shape } = folder.entry(name);
      const trained = tensors.get(own);
      if (!trained) return { name, dtype, shape, data: () => folder.readRaw(name) };
      const kept = isFloatFileDType(dtype) && dtype !== 'F64' ? dtype : 'F32';
      const [height, width] = shape as [number, number];
      const data = async (): Promise<Uint8Array> =>
        encodeFloats(transposed.has(own) ? transposeFloats(trained, width, height) : trained, kept);
      return { name, dtype: kept, shape, data };
    });
    yield* streamSafetensors(list);
  } finally {
    await folder.close();
  }
}
