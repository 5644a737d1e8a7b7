/**
 * @file Writes a model in the bitsandbytes 4-bit or 8-bit layout, with an adapter merged in where there is one: quantize(W + update).
 *
 * An adapter that was trained over quantized weights has learnt what those weights are, so W is then what they stand for (the method
 * document's W'q = Wq + dWq). Norms, embeddings and the output head stay as they are, as in transformers.
 *
 * The header of the file must hold the length of each quantization's description, which is known only when the matrix has been
 * quantized. So everything is quantized twice, once for the header and once to be written: memory holds one matrix at a time.
 */
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { QuantizationConfig } from '../../../src-shared/schema/run-config.ts';
import {
  encodeQuantizedMatrix,
  listWeightNames,
  makeQuantizationConfig,
  type QuantizedMatrix,
  readQuantizedMatrix,
  storedKindOf,
} from '../formats/bitsandbytes.ts';
import type { JsonObject } from '../formats/json-file.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import type { TensorToWrite } from '../formats/safetensors.ts';
import { transposeTensors } from '../formats/transposed.ts';
import { isFloatFileDType, type WritableFloatDType } from '../formats/tensor-data.ts';
import { writeModelFolder } from '../formats/write-model-folder.ts';
import { transposedNames } from '../nn/weight-spec.ts';
import { makeBaseReader } from '../peft/base-weights.ts';
import { makeMergedWeights, type MergedWeight, mergePart } from '../peft/merged-weights.ts';
import { openAdapter } from '../peft/open-adapter.ts';
import { dequantizeInt8Rows, quantizeInt8Rows } from '../quant/int8.ts';
import { dequantizeNf4, isStandardNf4, quantizeNf4 } from '../quant/nf4.ts';
import type { SourceDType } from '../quant/source-dtype.ts';
import type { AnyModel } from '../models/model.ts';
import { hasQuantizedFiles, unquantizedWeights } from '../models/unquantized.ts';
import type { EngineHost, ExportOptions, WrittenFolder } from './contract.ts';
import { openFilesToWrite } from './files-to-write.ts';
import { convertTensor, listPartedHead, withOwnHead } from './merge.ts';
import { openModelFor, requireHead } from './open-model.ts';

/** How a matrix is, or was, quantized. */
type Quantization = QuantizationConfig & { readonly method: 'nf4' | 'int8' };

interface Sources {
  readonly host: EngineHost;
  readonly files: ModelFolder;
  readonly model: AnyModel;
  readonly merged: ReadonlyMap<string, MergedWeight>;
  readonly target: Quantization;
  /** null = the adapter was trained over the weights as they are in the file. */
  readonly trainedOn: Quantization | null;
}

/** @throws export/no-quantization, export/not-readable; model/…, adapter/… as opening them does; quant/…, output/not-empty, disk/full, Interrupted */
export async function exportQuantized(options: ExportOptions): Promise<WrittenFolder> {
  const { host, modelDir, adapterDir, outputDir } = options;
  const target = requireQuantization(options.quantization);
  const trainedOn = options.trainedOn === undefined ? target : options.trainedOn;
  const opened = await openModelFor(modelDir, adapterDir);
  const { model, folder } = opened;
  if (!hasQuantizedFiles(model)) {
    await folder.close();
    throw noQuantizedFiles(model, modelDir);
  }
  const transposed = transposedNames(model.weights);
  const files = transposeTensors(await openFilesToWrite(opened), (name) =>
    transposed.has(model.sanitizeName(name) ?? ''),
  );
  try {
    const adapter = adapterDir === null ? null : await openAdapter(model, folder, adapterDir);
    const read = makeBaseReader(model, folder);
    const merged = adapter === null ? new Map<string, MergedWeight>() : await makeMergedWeights(adapter, read);
    requireHead(opened, new Set(merged.keys()));
    const sources = { host, files, model, merged, target, trainedOn: isQuantized(trainedOn) ? trainedOn : null };
    const head = listPartedHead({ ...sources, wanted: null });
    const tensors = [...(await listTensors(sources)), ...head];
    const plain = head.length > 0 ? withOwnHead(files.config) : files.config;
    const config = { ...plain, quantization_config: describeSettings(files, target) };
    const written = await writeModelFolder(outputDir, { config, tensors, copyFrom: modelDir });
    return { dir: outputDir, ...written };
  } finally {
    await files.close();
    await folder.close();
  }
}

/** Products run in the precision of the file. */
function describeSettings(files: ModelFolder, { method, double_quant: doubleQuant }: Quantization): JsonObject {
  const dtypes = new Set(listWeightNames(files).map((name) => files.entry(name).dtype));
  const compute = dtypes.has('BF16') ? 'bfloat16' : dtypes.has('F16') ? 'float16' : 'float32';
  return makeQuantizationConfig({ kind: method, doubleQuant: method === 'nf4' && doubleQuant }, compute);
}

const isQuantized = (config: QuantizationConfig | null): config is Quantization =>
  config?.method === 'nf4' || config?.method === 'int8';

function requireQuantization(config: ExportOptions['quantization']): Quantization {
  const wanted = config ?? null;
  if (isQuantized(wanted)) return wanted;
  throw new AppError('export/no-quantization', 'The bitsandbytes layout holds 4-bit or 8-bit weights', {
    hint: 'Choose the quantization: nf4 or int8.',
  });
}

function noQuantizedFiles({ facts }: AnyModel, file: string): AppError {
  const message = `is a ${facts.modelType} model, of which transformers reads no bitsandbytes files`;
  return new AppError('export/not-readable', `${file} ${message}`, {
    hint: 'Use the safetensors format, or peft.',
    faults: [{ file, message }],
  });
}

/** In the order of the files, under their names. */
async function listTensors(sources: Sources): Promise<TensorToWrite[]> {
  const { files, model, host } = sources;
  const outputs = unquantizedWeights(model);
  const matrices = new Set(
    model.weights.filter(({ name, role }) => role === 'matrix' && !outputs.has(name)).map(({ name }) => name),
  );
  const names = listWeightNames(files).filter((name) => model.sanitizeName(name) !== null);
  const report = (pass: number, index: number): void => {
    if (host.signal.aborted) throw new Interrupted();
    host.report({
      event: 'progress',
      phase: 'Quantizing',
      fraction: (pass * names.length + index) / (2 * names.length),
    });
  };
  const tensors: TensorToWrite[] = [];
  for (const [index, name] of names.entries()) {
    report(0, index);
    if (matrices.has(model.sanitizeName(name)!)) {
      tensors.push(...(await describeMatrix(sources, name, () => report(1, index))));
    } else {
      tensors.push(plainTensor(sources, name, () => report(1, index)));
    }
  }
  return tensors;
}

/** The tensors of one quantized matrix, which is made anew when the first of them is written. */
async function describeMatrix(sources: Sources, name: string, onWrite: () => void): Promise<TensorToWrite[]> {
  let made: ReturnType<typeof encodeQuantizedMatrix> | null = null;
  const described = encodeQuantizedMatrix(name, await quantize(sources, name));
  return described.map(({ name: part, dtype, shape }, index) => ({
    name: part,
    dtype,
    shape,
    data: async () => {
      if (index === 0) onWrite();
      made ??= encodeQuantizedMatrix(name, await quantize(sources, name));
      const { data } = made[index]!;
      if (index === described.length - 1) made = null;
      return data;
    },
  }));
}

function plainTensor({ files, model, merged }: Sources, name: string, onWrite: () => void): TensorToWrite {
  const { dtype, shape } = files.entry(name);
  const change = merged.get(model.sanitizeName(name)!);
  const kept = isFloatFileDType(dtype) && dtype !== 'F64' ? dtype : 'F32';
  const data = async (): Promise<Uint8Array> => {
    onWrite();
    if (change === undefined) return files.readRaw(name);
    return convertTensor(files, name, shape, kept satisfies WritableFloatDType, change);
  };
  return { name, dtype: change === undefined ? dtype : kept, shape, data };
}

async function quantize(sources: Sources, name: string): Promise<QuantizedMatrix> {
  const { files, model, merged, target, trainedOn } = sources;
  const change = merged.get(model.sanitizeName(name)!);
  const stored = storedKindOf(files, name) === null ? null : await readQuantizedMatrix(files, name, storedDtype(files));
  if (stored !== null && change === undefined && isAsWanted(stored, target)) return stored;
  const shape = (stored?.shape ?? files.entry(name).shape) as readonly [number, number];
  const sourceDtype = stored?.dtype ?? dtypeOf(files, name);
  let values = stored === null ? await files.readFloat32(name) : expand(stored);
  if (change !== undefined) {
    const about = { sourceDtype, name };
    if (stored === null && trainedOn !== null) values = expand(quantizeAs(trainedOn, values, shape, about));
    mergePart(change, values, 0);
  }
  return quantizeAs(target, values, shape, { sourceDtype, name });
}

const DTYPES: Readonly<Record<string, SourceDType>> = { BF16: 'bfloat16', F16: 'float16' };

/** What an 8-bit weight was made from: it keeps no record of its own. */
function storedDtype({ config }: ModelFolder): SourceDType {
  const named = config['dtype'] ?? config['torch_dtype'];
  return named === 'float32' || named === 'bfloat16' ? named : 'float16';
}

const dtypeOf = (files: ModelFolder, name: string): SourceDType => DTYPES[files.entry(name).dtype] ?? 'float32';

function quantizeAs(
  { method, double_quant: doubleQuant }: Quantization,
  values: Float32Array,
  shape: readonly [number, number],
  about: { readonly sourceDtype: SourceDType; readonly name: string },
): QuantizedMatrix {
  return method === 'nf4'
    ? quantizeNf4(values, shape, { doubleQuant, ...about })
    : quantizeInt8Rows(values, shape, about);
}

const expand = (matrix: QuantizedMatrix): Float32Array<ArrayBuffer> =>
  matrix.kind === 'nf4' ? dequantizeNf4(matrix) : dequantizeInt8Rows(matrix);

const isAsWanted = (matrix: QuantizedMatrix, { method, double_quant: doubleQuant }: Quantization): boolean =>
  matrix.kind === 'nf4' ? method === 'nf4' && isStandardNf4(matrix, doubleQuant) : method === 'int8';
