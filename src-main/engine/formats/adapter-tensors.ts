/**
 * @file The tensors of an adapter file: reading them under the engine's names, and finding out whether they belong together.
 */
import type { Fault } from '../../../src-shared/domain/app-error.ts';
import {
  adapterName,
  fromPeftName,
  isTrainedWhole,
  splitAdapterName,
  TIED_HEAD_WEIGHT,
  type AdapterPart,
} from './adapter-names.ts';
import { rankOf, type PeftAdapterConfig } from './peft-config.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { decodeFloats, isFloatFileDType } from './tensor-data.ts';

export interface AdapterTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** Engine's tensor name -> values. */
export type AdapterTensors = ReadonlyMap<string, AdapterTensor>;

/** PEFT saves these whole for classifiers, whether modules_to_save names them or not. */
const CLASSIFIER_HEADS = ['classifier', 'score'];

/**
 * Reads all tensors of an adapter file.
 * @param faults takes unknown names, element types that are no floats, and values that are not finite
 */
export async function loadAdapterTensors(
  file: SafetensorsFile,
  config: PeftAdapterConfig,
  faults: Fault[],
): Promise<{ tensors: Map<string, AdapterTensor>; ignored: string[] }> {
  const tensors = new Map<string, AdapterTensor>();
  const ignored: string[] = [];
  for (const [saved, { dtype, shape }] of file.entries()) {
    const known = fromPeftName(saved);
    const fail = (message: string) => faults.push({ file: file.path, field: saved, message });
    if (known === null || (known.part === 'weights' && !known.isBase && !isExpected(known.name, config))) {
      fail('is no tensor that an adapter with these settings has');
    } else if (known.isBase) ignored.push(saved);
    else if (tensors.has(known.name)) fail(`stands for ${known.name}, which is there already`);
    else if (!isFloatFileDType(dtype)) fail(`is ${dtype}; only F32, F16, BF16 and F64 are read`);
    else {
      const data = decodeFloats(await file.read(saved), dtype);
      if (!data.every(Number.isFinite)) fail('holds values that are not finite');
      tensors.set(known.name, { shape, data });
    }
  }
  return { tensors, ignored };
}

/** Whether the settings say that a bias or a whole module is saved under this name. */
function isExpected(name: string, config: PeftAdapterConfig): boolean {
  if (name.endsWith('.bias') && (config.bias === 'all' || config.bias === 'lora_only')) return true;
  const heads = config.task_type === 'SEQ_CLS' ? CLASSIFIER_HEADS : [];
  if (config.ensure_weight_tying && name === TIED_HEAD_WEIGHT) return true;
  if (isTrainedWhole(splitAdapterName(name).module, config.modules_to_save ?? [])) return true;
  const named = [...heads, ...(Array.isArray(config.bias) ? config.bias : [])];
  return named.some((module) => `.${name}`.includes(`.${module}.`));
}

/** What an adapter says about one module. */
type ModuleParts = Partial<Record<AdapterPart, AdapterTensor>>;

/** Incomplete pairs, wrong ranks and shapes, and vectors that the settings do not go with. */
export function findAdapterFaults(tensors: AdapterTensors, config: PeftAdapterConfig, file: string): Fault[] {
  const modules = new Map<string, ModuleParts>();
  for (const [name, tensor] of tensors) {
    const { module, part } = splitAdapterName(name);
    if (part !== 'weights') modules.set(module, { ...modules.get(module), [part]: tensor });
  }
  if (modules.size === 0) return [{ file, message: 'holds no lora_A and lora_B' }];
  return [...modules].flatMap(([module, parts]) => findModuleFaults(module, parts, config, file));
}

function findModuleFaults(module: string, parts: ModuleParts, config: PeftAdapterConfig, file: string): Fault[] {
  const faults: Fault[] = [];
  const fail = (part: Exclude<AdapterPart, 'weights'>, message: string) =>
    faults.push({ file, field: adapterName(module, part), message });
  const isEmbedding = 'lora_embedding_A' in parts || 'lora_embedding_B' in parts;
  const [partA, partB] = isEmbedding
    ? (['lora_embedding_A', 'lora_embedding_B'] as const)
    : (['lora_A', 'lora_B'] as const);
  const { [partA]: a, [partB]: b } = parts;
  if (a === undefined) fail(partA, 'is missing');
  if (b === undefined) fail(partB, 'is missing');
  const rank = rankOf(config, module);
  if (a && (a.shape.length !== 2 || a.shape[0] !== rank)) fail(partA, `must be [${rank}, in], got ${show(a)}`);
  if (b && (b.shape.length !== 2 || b.shape[1] !== rank)) fail(partB, `must be [out, ${rank}], got ${show(b)}`);
  const vectors = [
    ['lora_magnitude_vector', config.use_dora, 'use_dora'],
    ['scaling_vector', config.peft_type === 'QLORA', 'peft_type QLORA'],
  ] as const;
  for (const [part, wanted, setting] of vectors) {
    const vector = parts[part];
    if (wanted && vector === undefined) fail(part, `is missing; ${setting} needs it`);
    if (!wanted && vector !== undefined) fail(part, `is there without ${setting}`);
    if (wanted && vector && b && vector.data.length !== b.shape[0]) {
      fail(part, `must have one value a row of ${partB} (${b.shape[0]}), got ${show(vector)}`);
    }
  }
  return faults;
}

function show({ shape }: AdapterTensor): string {
  return `[${shape.join(', ')}]`;
}
