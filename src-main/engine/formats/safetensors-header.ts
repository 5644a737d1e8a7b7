/**
 * @file The header of a safetensors file: what it may say, and every check that must pass before a byte of data is believed.
 *
 * Layout (format of the safetensors library, version 0.8): u64 little-endian length of the header, the header as JSON that maps each
 * tensor name to `{dtype, shape, data_offsets: [begin, end]}` with offsets counted from the end of the header, then the data without
 * gaps or overlaps. `__metadata__` maps strings to strings.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';

/** Element types by the names used in the files; bytes of one element. */
export const SAFETENSORS_DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;

export type SafetensorsDType = keyof typeof SAFETENSORS_DTYPE_BYTES;

/** What the header says about one tensor. */
export interface TensorEntry {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/** An entry with its place in the file. */
export interface PlacedEntry extends TensorEntry {
  /** Bytes from the start of the file. */
  readonly fileOffset: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, PlacedEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Longest header that the safetensors library accepts; a longer one would only be read to run out of memory. */
export const MAX_HEADER_BYTES = 100_000_000;
/** A damaged file can have a fault in each of thousands of tensors. */
const MAX_FAULTS = 20;

/**
 * Checks the first eight bytes of a file.
 * @param prefix as many of them as the file has
 * @returns bytes of the header
 * @throws safetensors/corrupt
 */
export function readHeaderLength(prefix: Uint8Array, fileBytes: number, file: string): number {
  if (fileBytes < 8) throw corrupt(file, [{ file, message: `only ${fileBytes} bytes long, too short for a header` }]);
  const view = new DataView(prefix.buffer, prefix.byteOffset, 8);
  const length = view.getBigUint64(0, true);
  const left = fileBytes - 8;
  if (length > BigInt(left)) {
    const message = `its header should have ${length} bytes, but only ${left} follow`;
    throw corrupt(file, [{ file, message }]);
  }
  if (length > MAX_HEADER_BYTES) {
    throw corrupt(file, [{ file, message: `its header has ${length} bytes; at most ${MAX_HEADER_BYTES} are allowed` }]);
  }
  return Number(length);
}

/**
 * Reads the header's JSON and checks each entry against its own shape, the others and the file's size.
 * @throws safetensors/corrupt with all faults, each naming its tensor
 */
export function parseHeader(json: Uint8Array, fileBytes: number, file: string): SafetensorsHeader {
  const raw = parseJsonObject(json, file);
  const faults: Fault[] = [];
  const dataStart = 8 + json.length;
  const dataBytes = fileBytes - dataStart;
  const entries = new Map<string, PlacedEntry>();
  for (const [name, value] of Object.entries(raw)) {
    if (name === '__metadata__') continue;
    const entry = parseEntry(value, dataStart);
    if (typeof entry === 'string') faults.push({ file, field: name, message: entry });
    else entries.set(name, entry);
  }
  const metadata = parseMetadata(raw['__metadata__']);
  if (typeof metadata === 'string') faults.push({ file, field: '__metadata__', message: metadata });
  if (faults.length === 0) faults.push(...findLayoutFaults(entries, dataStart, dataBytes, file));
  if (faults.length > 0 || typeof metadata === 'string') throw corrupt(file, faults);
  return { entries, metadata };
}

/** The header's bytes, length prefix included, padded with spaces so that the data starts at a multiple of eight. */
export function encodeHeader(
  tensors: readonly { readonly name: string; readonly dtype: SafetensorsDType; readonly shape: readonly number[] }[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const fields: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = offset + tensorBytes(dtype, shape);
    fields.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Built by hand: an object would move names that look like whole numbers to the front.
  const text = `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  const json = new TextEncoder().encode(text);
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

/** Bytes of a tensor's data. */
export function tensorBytes(dtype: SafetensorsDType, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, SAFETENSORS_DTYPE_BYTES[dtype]);
}

function parseJsonObject(json: Uint8Array, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw corrupt(file, [{ file, message: `its header is not JSON (${reason.slice(0, 120)})` }]);
  }
  if (isObject(value)) return value;
  throw corrupt(file, [{ file, message: 'its header is JSON, but not an object' }]);
}

/** @returns the entry, or what is wrong with it */
function parseEntry(value: unknown, dataStart: number): PlacedEntry | string {
  if (!isObject(value)) return 'its entry is not an object';
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(SAFETENSORS_DTYPE_BYTES, dtype)) {
    return `unknown dtype ${JSON.stringify(dtype)?.slice(0, 40)}; known are ${Object.keys(SAFETENSORS_DTYPE_BYTES).join(', ')}`;
  }
  if (!isSizes(shape)) return `shape must be a list of whole numbers from 0 on, got ${JSON.stringify(shape)}`;
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    return `data_offsets must be two whole numbers, begin before end, got ${JSON.stringify(offsets)}`;
  }
  const [begin, end] = offsets as [number, number];
  const wanted = tensorBytes(dtype as SafetensorsDType, shape);
  if (end - begin !== wanted)
    return `${dtype} of shape [${shape.join()}] needs ${wanted} bytes, data_offsets give ${end - begin}`;
  return { dtype: dtype as SafetensorsDType, shape, byteLength: wanted, fileOffset: dataStart + begin };
}

function parseMetadata(value: unknown): Record<string, string> | string {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) return 'must be an object';
  const wrong = Object.entries(value).find(([, text]) => typeof text !== 'string');
  return wrong ? `must map strings to strings, but ${wrong[0]} is no string` : (value as Record<string, string>);
}

/** Data must follow each other without gaps or overlaps and end where the file ends. */
function findLayoutFaults(
  entries: ReadonlyMap<string, PlacedEntry>,
  dataStart: number,
  dataBytes: number,
  file: string,
): Fault[] {
  const faults: Fault[] = [];
  const placed = [...entries].sort(([, a], [, b]) => a.fileOffset - b.fileOffset || a.byteLength - b.byteLength);
  let previous = { name: '', end: dataStart };
  for (const [field, { fileOffset, byteLength }] of placed) {
    const end = fileOffset + byteLength;
    if (end > dataStart + dataBytes) {
      const message = `needs bytes up to ${end}, but the file has only ${dataStart + dataBytes}: it was cut off`;
      faults.push({ file, field, message, hint: 'download or copy it again' });
    } else if (fileOffset < previous.end) {
      faults.push({ file, field, message: `its data overlap those of ${previous.name}` });
    } else if (fileOffset > previous.end) {
      faults.push({ file, field, message: `${fileOffset - previous.end} bytes before its data belong to no tensor` });
    }
    previous = { name: field, end: Math.max(previous.end, end) };
  }
  const rest = dataStart + dataBytes - previous.end;
  if (faults.length === 0 && rest > 0) faults.push({ file, message: `${rest} bytes at its end belong to no tensor` });
  return faults;
}

function corrupt(file: string, faults: readonly Fault[]): AppError {
  const [first] = faults;
  const more = faults.length > 1 ? ` and ${faults.length - 1} more faults` : '';
  const place = first?.field ? `${first.field}: ` : '';
  return new AppError(
    'safetensors/corrupt',
    `${file} is not a sound safetensors file: ${place}${first?.message}${more}`,
    {
      hint: 'Download or copy the file again and compare its size with the original.',
      faults: faults.slice(0, MAX_FAULTS),
    },
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
