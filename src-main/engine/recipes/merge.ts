/**
 * @file Merges an adapter into its model: an ordinary Hugging Face folder that any program loads without knowing of adapters.
 *
 * Each weight becomes W + scale diag(s) B A (with DoRA rescaled row by row), tensor by tensor while the file is written, so memory holds
 * one tensor at a time. Tensors that the adapter does not change are copied byte for byte where the precision stays.
 */
import { AppError, type Fault, Interrupted } from '../../../src-shared/domain/app-error.ts';
import { TIED_HEAD_WEIGHT } from '../formats/adapter-names.ts';
import { storedKindOf } from '../formats/bitsandbytes.ts';
import type { JsonObject } from '../formats/json-file.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import type { TensorToWrite } from '../formats/safetensors.ts';
import { encodeFloats, isFloatFileDType, type WritableFloatDType } from '../formats/tensor-data.ts';
import { transposeBytes, transposeTensors } from '../formats/transposed.ts';
import { writeModelFolder } from '../formats/write-model-folder.ts';
import { transposedNames } from '../nn/weight-spec.ts';
import type { AdaptableModel } from '../peft/adaptable-model.ts';
import { makeBaseReader } from '../peft/base-weights.ts';
import { findPartedTable, makeMergedWeights, mergePart, type MergedWeight } from '../peft/merged-weights.ts';
import { openAdapter } from '../peft/open-adapter.ts';
import type { EngineHost, MergeAdapter, MergeOptions } from './contract.ts';
import { openFilesToWrite } from './files-to-write.ts';
import { openModelFor, requireHead } from './open-model.ts';

const DTYPES: Readonly<Record<NonNullable<MergeOptions['dtype']>, WritableFloatDType>> = {
  f32: 'F32',
  f16: 'F16',
  bf16: 'BF16',
};
const TORCH_DTYPES: Readonly<Record<WritableFloatDType, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };
/** Rows of a weight are merged in pieces of this many values. */
const PIECE_VALUES = 2 ** 20;

/**
 * @throws model/…, adapter/… as opening them does; merge/quantized-base, merge/overflow, output/not-empty, disk/full, Interrupted. The
 *   folder is whole or not there.
 */
export const mergeAdapter: MergeAdapter = async (options) => writeMerged(options);

/** As `mergeAdapter`; without an adapter the model itself, in the precision asked for. */
export async function writeMerged(options: Omit<MergeOptions, 'adapterDir'> & { readonly adapterDir: string | null }) {
  const { host, modelDir, adapterDir, outputDir, dtype } = options;
  const opened = await openModelFor(modelDir, adapterDir);
  const { model, folder } = opened;
  try {
    const adapter = adapterDir === null ? null : await openAdapter(model, folder, adapterDir);
    const read = makeBaseReader(model, folder);
    const merged = adapter === null ? new Map<string, MergedWeight>() : await makeMergedWeights(adapter, read);
    requireHead(opened, new Set(merged.keys()));
    const files = await openFilesToWrite(opened);
    try {
      requireFloats(files, model, merged);
      const wanted = dtype && DTYPES[dtype];
      const head = listPartedHead({ files, model, merged, wanted });
      const tensors = [...listTensors({ host, files, model, merged, wanted }), ...head];
      const dtyped = wanted ? withDType(files.config, wanted) : files.config;
      const config = head.length > 0 ? withOwnHead(dtyped) : dtyped;
      const written = await writeModelFolder(outputDir, { config, tensors, copyFrom: modelDir });
      return { dir: outputDir, ...written };
    } finally {
      await files.close();
    }
  } finally {
    await folder.close();
  }
}

/** A quantized weight cannot take an update without being quantized anew. */
function requireFloats(files: ModelFolder, model: AdaptableModel, merged: ReadonlyMap<string, MergedWeight>): void {
  const faults = files.names().flatMap((name): Fault[] => {
    const own = model.sanitizeName(name);
    const kind = storedKindOf(files, name);
    if (own === null || kind === null || !merged.has(own)) return [];
    return [{ file: files.fileOf(name), field: name, message: `is stored as ${kind}` }];
  });
  if (faults.length === 0) return;
  throw new AppError(
    'merge/quantized-base',
    `${files.path} is quantized; an adapter is merged into the original model`,
    {
      hint: 'Give the model it was quantized from, or export it in the bitsandbytes format, quantized anew.',
      faults,
    },
  );
}

interface Sources {
  readonly host: EngineHost;
  readonly files: ModelFolder;
  readonly model: AdaptableModel;
  readonly merged: ReadonlyMap<string, MergedWeight>;
  /** null = each tensor keeps its own. */
  readonly wanted: WritableFloatDType | null;
}

/** In the order of the files, under their names; what the model derives from other tensors is left out. */
function listTensors({ host, files, model, merged, wanted }: Sources): TensorToWrite[] {
  const names = files.names().filter((name) => model.sanitizeName(name) !== null);
  const transposed = transposedNames(model.weights);
  const turned = transposeTensors(files, (name) => transposed.has(model.sanitizeName(name) ?? ''));
  return names.map((name, index): TensorToWrite => {
    const { dtype, shape } = files.entry(name);
    const own = model.sanitizeName(name)!;
    const change = merged.get(own);
    const target = isFloatFileDType(dtype) ? (wanted ?? (dtype === 'F64' ? 'F32' : dtype)) : dtype;
    const data = async (): Promise<Uint8Array> => {
      if (host.signal.aborted) throw new Interrupted();
      host.report({ event: 'progress', phase: 'Merging', fraction: index / names.length });
      if (target === dtype && change === undefined) return files.readRaw(name);
      const wide = target as WritableFloatDType;
      if (change === undefined || !transposed.has(own)) return convertTensor(files, name, shape, wide, change);
      // An update is [out, in]; the file wants its matrix back as it was.
      const [inFeatures, outFeatures] = shape as [number, number];
      const bytes = await convertTensor(turned, name, [outFeatures, inFeatures], wide, change);
      return transposeBytes(bytes, outFeatures, inFeatures);
    };
    return { name, dtype: target, shape, data };
  });
}

/** The head's own weight, where the embedding that it shared takes an update: what the embedding was. */
export function listPartedHead({ files, model, merged, wanted }: Omit<Sources, 'host'>): TensorToWrite[] {
  const table = findPartedTable(model, merged);
  const name = files.names().find((candidate) => table !== null && model.sanitizeName(candidate) === table);
  if (name === undefined) return [];
  const { dtype, shape } = files.entry(name);
  const kept = isFloatFileDType(dtype) && dtype !== 'F64' ? dtype : 'F32';
  const target = wanted ?? kept;
  return [
    { name: TIED_HEAD_WEIGHT, dtype: target, shape, data: () => convertTensor(files, name, shape, target, undefined) },
  ];
}

/** config.json of a model whose head has a weight of its own. */
export function withOwnHead(config: JsonObject): JsonObject {
  return { ...config, tie_word_embeddings: false };
}

/** Reads, merges and encodes a tensor piece by piece. @throws merge/overflow */
export async function convertTensor(
  files: ModelFolder,
  name: string,
  shape: readonly number[],
  dtype: WritableFloatDType,
  change: MergedWeight | undefined,
): Promise<Uint8Array> {
  const rows = shape[0] ?? 1;
  const columns = shape.slice(1).reduce((product, side) => product * side, 1);
  const out = new Uint8Array(rows * columns * (dtype === 'F32' ? 4 : 2));
  const step = Math.max(1, Math.floor(PIECE_VALUES / columns));
  for (let first = 0; first < rows; first += step) {
    const end = Math.min(rows, first + step);
    const values = await files.readFloat32(name, { rows: [first, end] });
    if (change) mergePart(change, values, first * columns);
    if (dtype === 'F16') requireInRange(values, files, name);
    out.set(encodeFloats(values, dtype), (out.length / rows) * first);
  }
  return out;
}

/** The largest value of half precision, and half of what lies between it and the next. */
const F16_LIMIT = 65520;

function requireInRange(values: Float32Array, files: ModelFolder, name: string): void {
  const beyond = values.find((value) => Math.abs(value) >= F16_LIMIT);
  if (beyond === undefined) return;
  throw new AppError('merge/overflow', `${name} holds ${beyond}, which f16 cannot`, {
    hint: 'Choose bf16 or f32.',
    faults: [{ file: files.fileOf(name), field: name, message: 'holds values beyond the range of f16' }],
  });
}

/** config.json says the precision under the one name or the other. */
function withDType(config: JsonObject, dtype: WritableFloatDType): JsonObject {
  const key = 'dtype' in config ? 'dtype' : 'torch_dtype';
  return { ...config, [key]: TORCH_DTYPES[dtype] };
}
