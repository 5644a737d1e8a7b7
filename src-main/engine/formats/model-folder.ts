/**
 * @file The weights of a Hugging Face model folder: one safetensors file, or several named by an index.
 *
 * Opening reads only config.json and the files' headers and reports everything that is wrong with the folder at once. Tensors are read
 * one at a time, so memory stays near the largest of them. Pickle files are refused: loading one can run any code.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import { isJsonObject, readJsonObject, type JsonObject } from './json-file.ts';
import { openSafetensors, type ReadTensorOptions, type SafetensorsFile, type TensorEntry } from './safetensors.ts';
import { decodeFloats, isFloatFileDType } from './tensor-data.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** An open model folder. Close it when the weights are loaded. */
export interface ModelFolder {
  readonly path: string;
  /** config.json as it is. */
  readonly config: JsonObject;
  readonly configPath: string;
  /** generation_config.json, null where there is none. */
  readonly generationConfig: JsonObject | null;
  /** Bytes of all tensors. */
  readonly totalBytes: number;
  names(): readonly string[];
  has(name: string): boolean;
  /** @throws model/missing-tensor */
  entry(name: string): TensorEntry;
  /** Path of the file that a tensor is in, for messages. @throws model/missing-tensor */
  fileOf(name: string): string;
  /** Bytes as in the file. @throws model/missing-tensor */
  readRaw(name: string, options?: ReadTensorOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Values of an F32, F16, BF16 or F64 tensor. @throws model/missing-tensor, model/unsupported-dtype */
  readFloat32(name: string, options?: ReadTensorOptions): Promise<Float32Array<ArrayBuffer>>;
  /**
   * Tells these weights from others without reading them all: a hash of sizes, headers and samples of the data. Survives
   * copying, not resharding.
   */
  fingerprint(): Promise<string>;
  close(): Promise<void>;
}

/** Which files hold which tensors. */
interface WeightFiles {
  readonly files: readonly SafetensorsFile[];
  readonly home: ReadonlyMap<string, SafetensorsFile>;
}

/**
 * Opens a model folder.
 * @throws model/not-found, model/not-a-model with all faults
 */
export async function openModelFolder(dir: string): Promise<ModelFolder> {
  const present = await listFolder(dir);
  const faults: Fault[] = [];
  const configPath = path.join(dir, 'config.json');
  const config = await readJsonObject(configPath, faults);
  if (config === null && !faults.some(({ file }) => file === configPath)) {
    faults.push({ file: configPath, message: 'is missing', hint: whatIsIt(present) });
  }
  const generationConfig = await readJsonObject(path.join(dir, 'generation_config.json'), faults);
  const weights = await openWeightFiles(dir, present, faults);
  if (config === null || weights === null || faults.length > 0) {
    await closeAll(weights?.files ?? []);
    throw notAModel(dir, faults);
  }
  return assembleFolder(dir, { config, configPath, generationConfig }, weights);
}

function assembleFolder(
  dir: string,
  described: Pick<ModelFolder, 'config' | 'configPath' | 'generationConfig'>,
  { files, home }: WeightFiles,
): ModelFolder {
  const find = (name: string) => {
    const file = home.get(name);
    const entry = file?.entries().get(name);
    if (file === undefined || entry === undefined) throw missingTensor(dir, name);
    return { file, entry };
  };
  return {
    ...described,
    path: dir,
    totalBytes: [...home].reduce((sum, [name, file]) => sum + (file.entries().get(name)?.byteLength ?? 0), 0),
    names: () => [...home.keys()],
    has: (name) => home.has(name),
    entry: (name) => find(name).entry,
    fileOf: (name) => find(name).file.path,
    readRaw: async (name, options) => find(name).file.read(name, options),
    readFloat32: async (name, options) => {
      const { file, entry } = find(name);
      if (!isFloatFileDType(entry.dtype)) throw unsupportedDType(file.path, name, entry.dtype);
      return decodeFloats(await file.read(name, options), entry.dtype);
    },
    fingerprint: () => fingerprintFiles(files),
    close: () => closeAll(files),
  };
}

async function listFolder(dir: string): Promise<readonly string[]> {
  const found = await stat(dir).catch(() => null);
  if (found?.isDirectory()) return readdir(dir);
  const message = found === null ? 'no such folder' : 'is a file, not a folder';
  throw new AppError('model/not-found', `${dir}: ${message}`, {
    hint: 'Give the folder that holds config.json and the .safetensors files.',
    faults: [{ file: dir, message }],
  });
}

/** @returns null where there is nothing to open; the reasons are among the faults */
async function openWeightFiles(dir: string, present: readonly string[], faults: Fault[]): Promise<WeightFiles | null> {
  if (present.includes(SINGLE_FILE)) {
    const file = await openCollecting(path.join(dir, SINGLE_FILE), faults);
    return file && { files: [file], home: new Map([...file.entries().keys()].map((name) => [name, file])) };
  }
  if (!present.includes(INDEX_FILE)) {
    faults.push({ file: dir, ...explainMissingWeights(present) });
    return null;
  }
  const indexPath = path.join(dir, INDEX_FILE);
  const weightMap = readWeightMap(await readJsonObject(indexPath, faults), indexPath, faults);
  return weightMap && openShards(dir, weightMap, faults);
}

/** Tensor name -> file name, checked to stay in the folder. */
function readWeightMap(index: JsonObject | null, file: string, faults: Fault[]): Map<string, string> | null {
  if (index === null) return null;
  const weightMap = index['weight_map'];
  if (!isJsonObject(weightMap) || Object.keys(weightMap).length === 0) {
    faults.push({ file, field: 'weight_map', message: 'must map tensor names to file names' });
    return null;
  }
  const known = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard === 'string' && path.basename(shard) === shard && shard.endsWith('.safetensors'))
      known.set(name, shard);
    else
      faults.push({
        file,
        field: name,
        message: `must name a .safetensors file beside it, got ${JSON.stringify(shard)}`,
      });
  }
  return known;
}

async function openShards(dir: string, weightMap: ReadonlyMap<string, string>, faults: Fault[]): Promise<WeightFiles> {
  const home = new Map<string, SafetensorsFile>();
  const files: SafetensorsFile[] = [];
  for (const shard of new Set(weightMap.values())) {
    const names = [...weightMap].filter(([, file]) => file === shard).map(([name]) => name);
    const count = `${names.length} tensor${names.length === 1 ? '' : 's'}`;
    const file = await openCollecting(path.join(dir, shard), faults, `holds ${count} of the index`);
    if (file === null) continue;
    files.push(file);
    for (const name of names) {
      if (file.entries().has(name)) home.set(name, file);
      else faults.push({ file: file.path, field: name, message: `is in ${INDEX_FILE}, but not in this file` });
    }
  }
  return { files, home };
}

/** Opens a file, or adds what is wrong with it to the faults. */
async function openCollecting(file: string, faults: Fault[], missingNote = ''): Promise<SafetensorsFile | null> {
  try {
    return await openSafetensors(file);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === 'file/not-found')
      faults.push({ file, message: `is missing${missingNote && `; it ${missingNote}`}` });
    else faults.push(...error.faults);
    return null;
  }
}

function explainMissingWeights(present: readonly string[]): Pick<Fault, 'message' | 'hint'> {
  const pickled = present.find((name) => /\.(bin|pt|pth|ckpt|pkl)$/.test(name));
  if (pickled !== undefined) {
    const message = `its weights are in ${pickled}, a pickle file; loading one can run any code, so it is not read`;
    return {
      message,
      hint: 'get the model.safetensors version, or convert the file with transformers: save_pretrained',
    };
  }
  const other = present.find((name) => name.endsWith('.safetensors') && !name.startsWith('adapter_'));
  const named = other === undefined ? '' : `; ${other} is there, but under another name`;
  return { message: `neither ${SINGLE_FILE} nor ${INDEX_FILE} is there${named}`, hint: 'get all files of the model' };
}

/** What a folder without config.json may be instead. */
function whatIsIt(present: readonly string[]): string {
  if (present.includes('adapter_config.json'))
    return 'this is an adapter: give it as the adapter, and its base as the model';
  if (present.some((name) => name.endsWith('.gguf')))
    return 'GGUF files are not trained; get the original Hugging Face model';
  return present.length === 0 ? 'the folder is empty' : 'give the folder that holds config.json';
}

function notAModel(dir: string, faults: readonly Fault[]): AppError {
  const list = faults.slice(0, 3).map(({ file, field, message }) => {
    const place = file === dir ? '' : `${path.relative(dir, file ?? dir)} `;
    return `${place}${field ? `${field} ` : ''}${message}`;
  });
  const more = faults.length > list.length ? `; and ${faults.length - list.length} more faults` : '';
  return new AppError('model/not-a-model', `${dir} is no model that can be used: ${list.join('; ')}${more}`, {
    hint: 'Get all files of the model again: config.json, tokenizer.json and *.safetensors.',
    faults,
  });
}

function missingTensor(dir: string, name: string): AppError {
  const message = `the model has no tensor ${name}`;
  return new AppError('model/missing-tensor', `${dir}: ${message}`, {
    hint: 'Get all files of the model again; config.json and the weights must belong together.',
    faults: [{ file: dir, field: name, message: 'is missing' }],
  });
}

function unsupportedDType(file: string, name: string, dtype: string): AppError {
  const message = `is stored as ${dtype}; only F32, F16, BF16 and F64 weights can be read as numbers`;
  return new AppError('model/unsupported-dtype', `${file}: ${name} ${message}`, {
    hint: 'Get the model in bf16 or f16.',
    faults: [{ file, field: name, message }],
  });
}

/** Samples of a file that the fingerprint takes in; two trained models of one shape differ in their data alone. */
const SAMPLES = 32;
const SAMPLE_BYTES = 4096;

async function fingerprintFiles(files: readonly SafetensorsFile[]): Promise<string> {
  const hash = createHash('sha256');
  const byName = [...files].sort((a, b) => (path.basename(a.path) < path.basename(b.path) ? -1 : 1));
  for (const file of byName) {
    hash.update(`${file.sizeBytes}\n`).update(file.headerBytes);
    const dataBytes = file.sizeBytes - file.headerBytes.length;
    const sample = new Uint8Array(Math.min(SAMPLE_BYTES, dataBytes));
    const spread = (dataBytes - sample.length) / (SAMPLES - 1);
    for (let i = 0; i < SAMPLES; i += 1) {
      await file.readBytes(file.headerBytes.length + Math.floor(i * spread), sample);
      hash.update(sample);
    }
  }
  return `sha256:${hash.digest('hex')}`;
}

async function closeAll(files: readonly SafetensorsFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}
