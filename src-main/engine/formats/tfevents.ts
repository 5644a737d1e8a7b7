/**
 * @file TensorBoard event files with scalars.
 *
 * A file is a row of records: u64 length, masked CRC-32C of the length, the bytes, masked CRC-32C of the bytes. Each record is an
 * `Event` message (tensorflow/core/util/event.proto); the first names the version. Numbers are little-endian.
 */

/** Scalars of one step. */
export interface ScalarEvent {
  readonly step: number;
  /** Seconds since 1970. */
  readonly wallTimeSeconds: number;
  /** Tag (slashes group charts, `train/loss`) -> value. */
  readonly scalars: Readonly<Record<string, number>>;
}

const VERSION = 'brain.Event:2';

/** Name by which TensorBoard finds the file. */
export function tfEventsFileName(wallTimeSeconds: number, host: string): string {
  return `events.out.tfevents.${Math.floor(wallTimeSeconds)}.${host.replace(/[^\w.-]/g, '_')}`;
}

/** The whole file; events in the order of their steps. */
export function encodeTfEvents(events: readonly ScalarEvent[]): Uint8Array<ArrayBuffer> {
  const first = encodeEvent(events[0]?.wallTimeSeconds ?? 0, 0, encodeBytes(3, encodeText(VERSION)));
  const rest = events.map(({ step, wallTimeSeconds, scalars }) => {
    const values = Object.entries(scalars).map(([tag, value]) =>
      encodeBytes(1, concat([encodeBytes(1, encodeText(tag)), encodeFloat(2, value)])),
    );
    return encodeEvent(wallTimeSeconds, step, encodeBytes(5, concat(values)));
  });
  return concat([first, ...rest].map(encodeRecord));
}

/** CRC-32C (Castagnoli), rotated and shifted so that a checksum of checksums does not cancel out. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function encodeRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(16 + data.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

/** Event: wall_time = 1 (double), step = 2 (int64), then what happened. */
function encodeEvent(wallTimeSeconds: number, step: number, what: Uint8Array): Uint8Array {
  const time = new Uint8Array(9);
  time[0] = 9;
  new DataView(time.buffer).setFloat64(1, wallTimeSeconds, true);
  return concat([time, Uint8Array.of(16, ...encodeVarint(step)), what]);
}

function encodeFloat(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = field * 8 + 5;
  new DataView(bytes.buffer).setFloat32(1, value, true);
  return bytes;
}

function encodeBytes(field: number, bytes: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(field * 8 + 2, ...encodeVarint(bytes.length)), bytes]);
}

function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
