/**
 * @file Adapter folders of PEFT, and our native ones: adapter_config.json and adapter_model.safetensors.
 *
 * In memory an adapter is its settings and a map from the engine's tensor names (adapter-names.ts) to float32 values. A native adapter is
 * the same folder with peft_type QLORA and a `scaling_vector` a module; `foldScalingVectors` makes a plain LoRA of it.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import { adapterName, splitAdapterName, toPeftName } from './adapter-names.ts';
import { findAdapterFaults, loadAdapterTensors, type AdapterTensor, type AdapterTensors } from './adapter-tensors.ts';
import { writeFlushed, writeFolderBeside } from './atomic-output.ts';
import { readJsonObject } from './json-file.ts';
import { encodePeftConfig, makePeftConfig, parsePeftConfig, type PeftAdapterConfig } from './peft-config.ts';
import { encodeSafetensors, openSafetensors } from './safetensors.ts';
import { encodeFloats, type WritableFloatDType } from './tensor-data.ts';

export type { AdapterTensor, AdapterTensors } from './adapter-tensors.ts';

export const ADAPTER_CONFIG_FILE = 'adapter_config.json';
export const ADAPTER_WEIGHTS_FILE = 'adapter_model.safetensors';

export interface PeftAdapter {
  readonly config: PeftAdapterConfig;
  readonly tensors: AdapterTensors;
  /** Strings kept in the header of the weights: what a native adapter says of its base and its run. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface LoadedPeftAdapter extends PeftAdapter {
  /** Tensors of the file that say nothing new (frozen weights that PEFT saved along), by their names in the file. */
  readonly ignored: readonly string[];
}

/**
 * Reads an adapter and checks it in itself: names, pairs, ranks, element types. Whether it fits a model is asked elsewhere.
 * @throws adapter/not-found, adapter/not-usable with all faults
 */
export async function readPeftAdapter(dir: string): Promise<LoadedPeftAdapter> {
  const present = await listAdapterFolder(dir);
  const faults: Fault[] = [];
  const configFile = path.join(dir, ADAPTER_CONFIG_FILE);
  const raw = await readJsonObject(configFile, faults);
  if (raw === null && faults.length === 0) faults.push({ file: configFile, message: 'is missing' });
  const config = raw && parsePeftConfig(raw, configFile, faults);
  const weightsFile = path.join(dir, ADAPTER_WEIGHTS_FILE);
  if (!present.includes(ADAPTER_WEIGHTS_FILE)) faults.push({ file: weightsFile, ...explainMissingWeights(present) });
  else if (config) {
    const loaded = await loadWeights(weightsFile, config, faults);
    if (loaded && faults.length === 0) return { config, ...loaded };
  }
  throw notUsable(dir, faults);
}

export interface EncodeAdapterOptions {
  /** F32 when left out. */
  readonly dtype?: WritableFloatDType;
}

/** The two files of the folder: what a checkpoint or a final adapter consists of. */
export function encodePeftAdapter(
  { config, tensors, metadata }: PeftAdapter,
  { dtype = 'F32' }: EncodeAdapterOptions = {},
): Map<string, Uint8Array<ArrayBuffer>> {
  const names = [...tensors.keys()];
  const adapted = new Set(
    names
      .map(splitAdapterName)
      .filter(({ part }) => part !== 'weights')
      .map(({ module }) => module),
  );
  const saved = [...tensors]
    .map(([name, { shape, data }]) => ({
      name: toPeftName(name, adapted),
      dtype,
      shape,
      data: encodeFloats(data, dtype),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return new Map([
    [ADAPTER_CONFIG_FILE, new TextEncoder().encode(encodePeftConfig(config))],
    [ADAPTER_WEIGHTS_FILE, encodeSafetensors(saved, { format: 'pt', ...metadata })],
  ]);
}

/**
 * Writes an adapter folder beside and renames it.
 * @throws output/not-empty, disk/full, file/not-permitted; nothing is left behind then
 */
export async function writePeftAdapter(
  dir: string,
  adapter: PeftAdapter,
  options?: EncodeAdapterOptions,
): Promise<void> {
  const files = encodePeftAdapter(adapter, options);
  await writeFolderBeside(dir, async (partial) => {
    for (const [name, bytes] of files) await writeFlushed(path.join(partial, name), bytes);
  });
}

/**
 * Makes a plain LoRA adapter of a Quasi-LoRA one: diag(s) (B A) = (diag(s) B) A, so each row of B takes its factor.
 * @returns an adapter that PEFT reads; the tensors that did not change are shared with the one given
 */
export function foldScalingVectors(adapter: PeftAdapter): PeftAdapter {
  const tensors = new Map<string, AdapterTensor>();
  for (const [name, tensor] of adapter.tensors) {
    const { module, part } = splitAdapterName(name);
    if (part === 'scaling_vector') continue;
    const isB = part === 'lora_B' || part === 'lora_embedding_B';
    const scaling = isB ? adapter.tensors.get(adapterName(module, 'scaling_vector')) : undefined;
    tensors.set(name, scaling ? scaleRows(tensor, scaling.data) : tensor);
  }
  return { ...adapter, config: makePeftConfig({ ...adapter.config, peft_type: 'LORA' }), tensors };
}

function scaleRows({ shape, data }: AdapterTensor, factors: Float32Array): AdapterTensor {
  const columns = data.length / factors.length;
  return { shape, data: data.map((value, i) => value * factors[Math.floor(i / columns)]!) };
}

async function listAdapterFolder(dir: string): Promise<readonly string[]> {
  const found = await stat(dir).catch(() => null);
  if (found?.isDirectory()) return readdir(dir);
  const message = found === null ? 'no such folder' : 'is a file, not a folder';
  throw new AppError('adapter/not-found', `${dir}: ${message}`, {
    hint: `Give the folder that holds ${ADAPTER_CONFIG_FILE} and ${ADAPTER_WEIGHTS_FILE}.`,
    faults: [{ file: dir, message }],
  });
}

async function loadWeights(file: string, config: PeftAdapterConfig, faults: Fault[]) {
  try {
    const opened = await openSafetensors(file);
    try {
      const { tensors, ignored } = await loadAdapterTensors(opened, config, faults);
      faults.push(...findAdapterFaults(tensors, config, file));
      return { tensors, ignored, metadata: opened.metadata };
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    faults.push(...error.faults);
    return null;
  }
}

function explainMissingWeights(present: readonly string[]): Pick<Fault, 'message' | 'hint'> {
  const pickled = present.find((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  if (pickled === undefined) return { message: 'is missing' };
  return {
    message: `is missing; ${pickled} is a pickle file, which can run any code when loaded and is not read`,
    hint: 'load and save the adapter once with PEFT: it writes safetensors',
  };
}

function notUsable(dir: string, faults: readonly Fault[]): AppError {
  const list = faults.slice(0, 3).map(({ field, message }) => `${field ? `${field} ` : ''}${message}`);
  const more = faults.length > list.length ? `; and ${faults.length - list.length} more faults` : '';
  return new AppError('adapter/not-usable', `${dir} is no adapter that can be used: ${list.join('; ')}${more}`, {
    hint: 'Save the adapter again with PEFT (save_pretrained) or export it with Tunesmith.',
    faults,
  });
}
