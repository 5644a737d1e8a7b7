/**
 * @file The trained tensors as files, and back.
 */
import path from 'node:path';
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import type { PeftConfig, TaskType } from '../../../src-shared/schema/run-config.ts';
import type { AdapterPart } from '../formats/adapter-names.ts';
import { SINGLE_FILE } from '../formats/model-folder.ts';
import {
  ADAPTER_WEIGHTS_FILE,
  encodePeftAdapter,
  readPeftAdapter,
  type AdapterTensor,
  type AdapterTensors,
} from '../formats/peft-adapter.ts';
import { makePeftConfig, type PeftAdapterConfig } from '../formats/peft-config.ts';
import { openSafetensors, streamSafetensors } from '../formats/safetensors.ts';
import { decodeFloats, encodeFloats, isFloatFileDType } from '../formats/tensor-data.ts';
import type { FileContent, FileSet } from '../formats/file-set.ts';
import { turnTensors } from './file-orientation.ts';
import { doubleRank, firstColumns, firstRows, joinA, joinB, type PissaStart } from './pissa.ts';
import { addTiedHead, dropTiedHead } from './tied-head.ts';
import { sizeOf, type TrainedTensor } from './trained-tensors.ts';

export interface AdapterOutputOptions {
  /** Settings in force, `target_modules` in the model's own names. */
  readonly peft: PeftConfig;
  readonly trained: readonly TrainedTensor[];
  /** What adapter_config.json names as the base. */
  readonly baseModel: string | null;
  readonly taskType: TaskType;
  /** Strings for the header of the weights. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Name of the trained embedding table that is the head too. */
  readonly trainedTable: string | null;
  readonly pissa: PissaStart | null;
}

type Values = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

/** Metadata key of a file of trained weights (peft_type NONE): the folder of the model that they are laid over. */
const TRAINED_WEIGHTS_KEY = 'trained_weights_of';

/** Writes the trained tensors as an adapter folder, or for peft_type NONE as one file of weights. */
export async function encodeTrained(options: AdapterOutputOptions, values: Values): Promise<FileSet> {
  const { peft, trained, baseModel } = options;
  if (peft.peft_type === 'NONE')
    return encodeWeights(trained, values, { ...options.metadata, [TRAINED_WEIGHTS_KEY]: baseModel ?? '' });
  const tensors = new Map<string, AdapterTensor>();
  for (const tensor of trained) tensors.set(tensor.name, await toFileTensor(tensor, values, options.pissa));
  return encodePeftAdapter({
    config: describeAdapter(options),
    tensors: turnTensors(addTiedHead(tensors, options.trainedTable), transposedOf(trained)),
    metadata: options.metadata,
  });
}

const transposedOf = (trained: readonly TrainedTensor[]): ReadonlySet<string> =>
  new Set(trained.filter(({ transposed }) => transposed).map(({ name }) => name));

/** adapter_config.json of what is trained. */
function describeAdapter({
  peft,
  trained,
  baseModel,
  taskType,
  trainedTable,
  pissa,
}: AdapterOutputOptions): PeftAdapterConfig {
  if (peft.peft_type === 'NONE') throw new Error('internal: peft_type NONE has no adapter_config.json');
  const { r, lora_alpha, rank_pattern, alpha_pattern } = pissa ? doubleRank(peft) : peft;
  return makePeftConfig({
    peft_type: peft.peft_type,
    task_type: taskType,
    base_model_name_or_path: baseModel,
    r,
    lora_alpha,
    rank_pattern,
    alpha_pattern,
    lora_dropout: peft.lora_dropout,
    target_modules: peft.target_modules,
    exclude_modules: peft.exclude_modules,
    layers_to_transform: peft.layers_to_transform,
    bias: peft.bias,
    use_rslora: peft.use_rslora,
    use_dora: peft.use_dora,
    fan_in_fan_out: trained.some(({ target }) => target?.transposed),
    modules_to_save: peft.modules_to_save.length > 0 ? peft.modules_to_save : null,
    init_lora_weights: pissa ? true : peft.init_lora_weights,
    ensure_weight_tying: trainedTable !== null,
  });
}

/**
 * Reads back what `encodeTrained` wrote, bit for bit.
 * @param dir checkpoint or adapter folder
 * @returns the values of every trained tensor
 * @throws adapter/does-not-fit with all faults where the folder belongs to other settings
 */
export async function restoreTrained(dir: string, options: AdapterOutputOptions): Promise<Values> {
  const { peft, trained, pissa } = options;
  const isWhole = peft.peft_type === 'NONE';
  const file = path.join(dir, isWhole ? SINGLE_FILE : ADAPTER_WEIGHTS_FILE);
  const tensors = isWhole
    ? await readTrainedWeights(file)
    : turnTensors(dropTiedHead((await readPeftAdapter(dir)).tensors, options.trainedTable), transposedOf(trained));
  const faults: Fault[] = [];
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const tensor of trained) {
    const found = tensors.get(tensor.name);
    const halved = pissa !== null && tensor.target !== null && isPairPart(tensor.part);
    const size = sizeOf(tensor.shape) * (halved ? 2 : 1);
    if (found?.data.length === size) values.set(tensor.name, fromFileTensor(tensor, found, halved));
    else {
      const message = found ? `has ${found.data.length} values, ${size} are trained` : 'is missing';
      faults.push({ file, field: tensor.name, message });
    }
  }
  for (const name of tensors.keys()) {
    if (!trained.some((tensor) => tensor.name === name)) faults.push({ file, field: name, message: 'is not trained' });
  }
  if (faults.length === 0) return values;
  throw new AppError('adapter/does-not-fit', `${dir} was written with other settings than these`, {
    hint: 'Resume a run with the settings it was started with.',
    faults,
  });
}

/** Weights of a file by our names. @throws file/not-found, safetensors/corrupt, model/unsupported-dtype */
export async function readTrainedWeights(file: string): Promise<AdapterTensors> {
  const opened = await openSafetensors(file);
  try {
    const tensors = new Map<string, AdapterTensor>();
    for (const [name, { dtype, shape }] of opened.entries()) {
      if (!isFloatFileDType(dtype)) {
        throw new AppError('model/unsupported-dtype', `${file}: ${name} is stored as ${dtype}`, {
          faults: [{ file, field: name, message: `is ${dtype}; only F32, F16, BF16 and F64 are read` }],
        });
      }
      tensors.set(name, { shape, data: decodeFloats(await opened.read(name), dtype) });
    }
    return tensors;
  } finally {
    await opened.close();
  }
}

function encodeWeights(
  trained: readonly TrainedTensor[],
  values: Values,
  metadata: Readonly<Record<string, string>>,
): FileSet {
  const tensors = trained.map(({ name, shape }) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: encodeFloats(valuesOf(values, name), 'F32'),
  }));
  return new Map<string, FileContent>([[SINGLE_FILE, streamSafetensors(tensors, { format: 'pt', ...metadata })]]);
}

async function toFileTensor(tensor: TrainedTensor, values: Values, pissa: PissaStart | null): Promise<AdapterTensor> {
  const { name, shape, part, target } = tensor;
  const data = valuesOf(values, name);
  if (pissa === null || target === null || !isPairPart(part)) return { shape, data };
  const rank = shape[isA(part) ? 0 : 1]!;
  const start = await pissa.pairOf(target, rank);
  return isA(part) ? joinA(data, start.a, target.inFeatures) : joinB(data, start.b, rank);
}

const isA = (part: AdapterPart): boolean => part === 'lora_A' || part === 'lora_embedding_A';
const isPairPart = (part: AdapterPart): boolean => isA(part) || part === 'lora_B' || part === 'lora_embedding_B';

function fromFileTensor({ part }: TrainedTensor, found: AdapterTensor, halved: boolean): Float32Array<ArrayBuffer> {
  if (!halved) return found.data;
  return isA(part) ? firstRows(found) : firstColumns(found);
}

function valuesOf(values: Values, name: string): Float32Array<ArrayBuffer> {
  const data = values.get(name);
  if (data === undefined) throw new Error(`internal: no values for the trained tensor ${name}`);
  return data;
}
