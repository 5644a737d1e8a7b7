/**
 * @file Quantized weights in model folders, in the layout of bitsandbytes 0.50 and transformers 5.
 *
 * 4-bit: `<module>.weight` holds the packed bytes [n / 2, 1], and beside it stand `.absmax`, `.quant_map` (the 16 levels), with double
 * quantization `.nested_absmax` and `.nested_quant_map` (256 values), and `.quant_state.bitsandbytes__nf4`: the bytes of a small JSON
 * text with block size, shape and the precision it was made from. 8-bit: `<module>.weight` is I8 [out, in], `<module>.SCB` the largest
 * magnitude of each row, `<module>.weight_format` a zero (row-major). config.json says `quantization_config`.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import type { Int8Matrix } from '../quant/int8.ts';
import { type Nf4Matrix } from '../quant/nf4.ts';
import type { SourceDType } from '../quant/source-dtype.ts';
import { isJsonObject, type JsonObject } from './json-file.ts';
import type { ModelFolder } from './model-folder.ts';
import type { TensorToWrite } from './safetensors.ts';
import { decodeFloats, isFloatFileDType, viewAsBytes } from './tensor-data.ts';

export type QuantizedMatrix = Nf4Matrix | Int8Matrix;

/** How the weights of a folder are stored, as config.json says. */
export interface StoredQuantization {
  readonly kind: 'nf4' | 'int8';
  readonly doubleQuant: boolean;
}

const STATE = '.quant_state.bitsandbytes__';
/** Endings of what stands beside a quantized weight. */
const COMPANION =
  /\.weight\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.\w+)$|\.(SCB|weight_format)$/;

/**
 * Reads `quantization_config` of config.json.
 * @returns null for a model that is not quantized
 * @throws model/unsupported-quantization for other methods (GPTQ, AWQ, FP8, FP4, …)
 */
export function readStoredQuantization(config: JsonObject, file: string): StoredQuantization | null {
  const raw = config['quantization_config'];
  if (raw === undefined || raw === null) return null;
  const settings = isJsonObject(raw) ? raw : {};
  const method =
    settings['quant_method'] ?? (settings['load_in_4bit'] || settings['load_in_8bit'] ? 'bitsandbytes' : null);
  if (method === 'bitsandbytes' && settings['load_in_8bit'] === true) return { kind: 'int8', doubleQuant: false };
  const type = settings['bnb_4bit_quant_type'];
  if (method === 'bitsandbytes' && settings['load_in_4bit'] === true && type === 'nf4') {
    return { kind: 'nf4', doubleQuant: settings['bnb_4bit_use_double_quant'] === true };
  }
  const called = method === 'bitsandbytes' ? `bitsandbytes ${JSON.stringify(type)}` : JSON.stringify(method);
  const message = `is quantized by ${called}; only bitsandbytes nf4 and 8-bit weights can be read`;
  throw new AppError('model/unsupported-quantization', `${file}: the model ${message}`, {
    hint: 'Get the unquantized model: Tunesmith quantizes it while loading.',
    faults: [{ file, field: 'quantization_config', message }],
  });
}

/** `quantization_config` as transformers writes it. */
export function makeQuantizationConfig(
  { kind, doubleQuant }: StoredQuantization,
  computeDtype: SourceDType,
): JsonObject {
  const is4Bit = kind === 'nf4';
  return {
    _load_in_4bit: is4Bit,
    _load_in_8bit: !is4Bit,
    bnb_4bit_compute_dtype: is4Bit ? computeDtype : 'float32',
    bnb_4bit_quant_storage: 'uint8',
    bnb_4bit_quant_type: is4Bit ? 'nf4' : 'fp4',
    bnb_4bit_use_double_quant: is4Bit && doubleQuant,
    llm_int8_enable_fp32_cpu_offload: false,
    llm_int8_has_fp16_weight: false,
    llm_int8_skip_modules: null,
    llm_int8_threshold: 6.0,
    load_in_4bit: is4Bit,
    load_in_8bit: !is4Bit,
    quant_method: 'bitsandbytes',
  };
}

/** Names of the weights themselves: without what stands beside quantized ones. */
export function listWeightNames(folder: ModelFolder): string[] {
  return folder.names().filter((name) => !COMPANION.test(name));
}

/** How one weight is stored; null = plain. */
export function storedKindOf(folder: ModelFolder, name: string): 'nf4' | 'int8' | null {
  if (folder.has(`${name}${STATE}nf4`)) return 'nf4';
  return name.endsWith('.weight') && folder.has(scbName(name)) ? 'int8' : null;
}

/**
 * Reads one quantized weight.
 * @param dtype precision that an 8-bit weight is given back in; a 4-bit one carries its own
 * @throws model/bad-quantization with all faults, each naming its tensor
 */
export async function readQuantizedMatrix(
  folder: ModelFolder,
  name: string,
  dtype: SourceDType = 'float16',
): Promise<QuantizedMatrix> {
  const faults: Fault[] = [];
  const matrix =
    storedKindOf(folder, name) === 'nf4'
      ? await readNf4(folder, name, faults)
      : await readInt8(folder, name, dtype, faults);
  if (matrix !== null && faults.length === 0) return matrix;
  const list = faults.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw new AppError('model/bad-quantization', `${folder.path}: ${list}`, {
    hint: 'Get all files of the model again, or start from the unquantized model.',
    faults,
  });
}

/** The tensors that a quantized weight consists of in a file; their memory is that of the matrix. */
export function encodeQuantizedMatrix(name: string, matrix: QuantizedMatrix): (TensorToWrite & { data: Uint8Array })[] {
  if (matrix.kind === 'int8') {
    return [
      { name, dtype: 'I8', shape: matrix.shape, data: viewAsBytes(matrix.weight) },
      { name: scbName(name), dtype: 'F32', shape: [matrix.scb.length], data: viewAsBytes(matrix.scb) },
      { name: name.replace(/weight$/, 'weight_format'), dtype: 'U8', shape: [], data: new Uint8Array(1) },
    ];
  }
  const { packed, absmax, code } = matrix;
  const state = new TextEncoder().encode(encodeQuantState(matrix));
  const floats = (part: string, values: Float32Array<ArrayBuffer>) => ({
    name: `${name}.${part}`,
    dtype: 'F32' as const,
    shape: [values.length],
    data: viewAsBytes(values),
  });
  const bytes = (fullName: string, data: Uint8Array, shape = [data.length]) => ({
    name: fullName,
    dtype: 'U8' as const,
    shape,
    data,
  });
  return [
    bytes(name, packed, [packed.length, 1]),
    ...(absmax instanceof Float32Array
      ? [floats('absmax', absmax)]
      : [
          bytes(`${name}.absmax`, absmax.codes),
          floats('nested_absmax', absmax.nestedAbsmax),
          floats('nested_quant_map', absmax.nestedCode),
        ]),
    floats('quant_map', code),
    bytes(`${name}${STATE}nf4`, state),
  ];
}

async function readNf4(folder: ModelFolder, name: string, faults: Fault[]): Promise<Nf4Matrix | null> {
  const stateName = `${name}${STATE}nf4`;
  const fail = (field: string, message: string) => faults.push({ file: folder.fileOf(name), field, message });
  const state = parseQuantState(await folder.readRaw(stateName));
  if (typeof state === 'string') {
    fail(stateName, state);
    return null;
  }
  const count = state.shape.reduce((product, size) => product * size, 1);
  const blocks = Math.ceil(count / state.blocksize);
  const take = async (part: string, bytes: number) => readChecked(folder, `${name}${part}`, bytes, fail);
  // Packed bytes may be stored under another element type (quant_storage); their number counts.
  const packed = await take('', Math.ceil(count / 2));
  const code = await take('.quant_map', 16 * 4);
  const absmax = await take('.absmax', state.nested ? blocks : blocks * 4);
  if (packed === null || code === null || absmax === null) return null;
  const floats = (bytes: Uint8Array<ArrayBuffer>) => decodeFloats(bytes, 'F32');
  const matrix = { kind: 'nf4' as const, packed, code: floats(code), blocksize: state.blocksize };
  if (!state.nested) return { ...matrix, absmax: floats(absmax), shape: state.shape, dtype: state.dtype };
  const nestedAbsmax = await take('.nested_absmax', Math.ceil(blocks / state.nested.blocksize) * 4);
  const nestedCode = await take('.nested_quant_map', 256 * 4);
  if (nestedAbsmax === null || nestedCode === null) return null;
  const nested = {
    codes: absmax,
    nestedAbsmax: floats(nestedAbsmax),
    nestedCode: floats(nestedCode),
    nestedBlocksize: state.nested.blocksize,
    offset: Math.fround(state.nested.offset),
  };
  return { ...matrix, absmax: nested, shape: state.shape, dtype: state.dtype };
}

async function readInt8(
  folder: ModelFolder,
  name: string,
  dtype: SourceDType,
  faults: Fault[],
): Promise<Int8Matrix | null> {
  const { dtype: stored, shape } = folder.entry(name);
  const fail = (field: string, message: string) => faults.push({ file: folder.fileOf(name), field, message });
  const [rows, columns] = shape;
  if (stored !== 'I8' || rows === undefined || columns === undefined || shape.length !== 2) {
    fail(name, `must be I8 [out, in], got ${stored} [${shape.join(', ')}]`);
    return null;
  }
  const scb = folder.entry(scbName(name));
  if (!isFloatFileDType(scb.dtype) || scb.shape.reduce((product, size) => product * size, 1) !== rows) {
    fail(scbName(name), `must be F32 [${rows}], got ${scb.dtype} [${scb.shape.join(', ')}]`);
    return null;
  }
  const format = name.replace(/weight$/, 'weight_format');
  if (folder.has(format) && (await folder.readRaw(format)).some((byte) => byte !== 0)) {
    fail(format, 'says that the rows are rearranged for one kind of GPU, which is not supported');
  }
  const { buffer, byteOffset, byteLength } = await folder.readRaw(name);
  const weight = new Int8Array(buffer, byteOffset, byteLength);
  return { kind: 'int8', weight, scb: await folder.readFloat32(scbName(name)), shape: [rows, columns], dtype };
}

async function readChecked(
  folder: ModelFolder,
  name: string,
  byteLength: number,
  fail: (field: string, message: string) => void,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!folder.has(name)) fail(name, 'is missing');
  else if (folder.entry(name).byteLength === byteLength) return folder.readRaw(name);
  else fail(name, `must have ${byteLength} bytes, got ${folder.entry(name).byteLength}`);
  return null;
}

interface QuantState {
  readonly blocksize: number;
  readonly shape: readonly number[];
  readonly dtype: SourceDType;
  readonly nested: { readonly blocksize: number; readonly offset: number } | null;
}

/** @returns what is wrong with it as a text */
function parseQuantState(bytes: Uint8Array): QuantState | string {
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return 'is not JSON';
  }
  if (!isJsonObject(raw)) return 'is no JSON object';
  const { quant_type, blocksize, shape, dtype, nested_blocksize, nested_offset } = raw;
  if (quant_type !== 'nf4') return `has quant_type ${JSON.stringify(quant_type)}, expected nf4`;
  if (!isPositiveInt(blocksize)) return `has blocksize ${JSON.stringify(blocksize)}`;
  if (!Array.isArray(shape) || !shape.every(isPositiveInt)) return `has shape ${JSON.stringify(shape)}`;
  if (dtype !== 'float32' && dtype !== 'bfloat16' && dtype !== 'float16') return `has dtype ${JSON.stringify(dtype)}`;
  if (nested_blocksize === undefined) return { blocksize, shape, dtype, nested: null };
  if (!isPositiveInt(nested_blocksize)) return `has nested_blocksize ${JSON.stringify(nested_blocksize)}`;
  if (typeof nested_offset !== 'number') return `has nested_offset ${JSON.stringify(nested_offset)}`;
  return { blocksize, shape, dtype, nested: { blocksize: nested_blocksize, offset: nested_offset } };
}

/** The JSON text as Python writes it, byte for byte. */
function encodeQuantState({ blocksize, dtype, shape, absmax }: Nf4Matrix): string {
  const fields = [
    `"quant_type": "nf4"`,
    `"blocksize": ${blocksize}`,
    `"dtype": "${dtype}"`,
    `"shape": [${shape.join(', ')}]`,
  ];
  if (!(absmax instanceof Float32Array)) {
    fields.push(`"nested_blocksize": ${absmax.nestedBlocksize}`, `"nested_dtype": "float32"`);
    fields.push(`"nested_offset": ${formatLikePython(absmax.offset)}`);
  }
  return `{${fields.join(', ')}}`;
}

/** Shortest text that gives the number back, with Python's rules for points and exponents. */
function formatLikePython(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function scbName(name: string): string {
  return name.replace(/weight$/, 'SCB');
}

function isPositiveInt(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
