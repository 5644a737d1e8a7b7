/**
 * @file TensorBoard files, parsed again by a small reader of the test's own; checksums against published values (RFC 3720, B.4).
 */
import { describe, expect, it } from 'vitest';
import { encodeTfEvents, maskedCrc32c, tfEventsFileName } from '../../../../src-main/engine/formats/tfevents.ts';

/** Undoes the mask: TensorBoard's own definition read backwards. */
function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

interface Field {
  readonly field: number;
  readonly value: number | Buffer;
}

/** Fields of a protocol-buffer message. */
function parseMessage(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const field = key >> 3;
    if ((key & 7) === 0) fields.push({ field, value: varint() });
    else if ((key & 7) === 1) fields.push({ field, value: bytes.readDoubleLE((at += 8) - 8) });
    else if ((key & 7) === 5) fields.push({ field, value: bytes.readFloatLE((at += 4) - 4) });
    else {
      const length = varint();
      fields.push({ field, value: bytes.subarray(at, (at += length)) });
    }
  }
  return fields;
}

function parseRecords(file: Uint8Array): Field[][] {
  const bytes = Buffer.from(file);
  const records: Field[][] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
    records.push(parseMessage(data));
    at += 16 + length;
  }
  return records;
}

describe('the checksum', () => {
  it.each([
    ['123456789', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['nothing', Buffer.alloc(0), 0],
  ])('of %s is CRC-32C, masked', (_what, bytes, crc) => {
    expect(unmask(maskedCrc32c(bytes))).toBe(crc);
  });
});

describe('an event file', () => {
  it('holds the version, then each step with its scalars', () => {
    const file = encodeTfEvents([
      { step: 1, wallTimeSeconds: 1700000000.25, scalars: { 'train/loss': 2.5, 'train/rate': 1e-4 } },
      { step: 70000, wallTimeSeconds: 1700000001, scalars: { 'eval/loss': -1 } },
    ]);
    const [version, first, second, ...rest] = parseRecords(file);
    expect(rest).toEqual([]);
    expect(version).toEqual([
      { field: 1, value: 1700000000.25 },
      { field: 2, value: 0 },
      { field: 3, value: Buffer.from('brain.Event:2') },
    ]);
    expect(first!.slice(0, 2)).toEqual([
      { field: 1, value: 1700000000.25 },
      { field: 2, value: 1 },
    ]);
    const scalarsOf = (record: Field[]) =>
      parseMessage(record[2]!.value as Buffer).map(({ value }) =>
        parseMessage(value as Buffer).map((part) => part.value),
      );
    expect(scalarsOf(first!)).toEqual([
      [Buffer.from('train/loss'), 2.5],
      [Buffer.from('train/rate'), Math.fround(1e-4)],
    ]);
    expect(second![1]).toEqual({ field: 2, value: 70000 });
    expect(scalarsOf(second!)).toEqual([[Buffer.from('eval/loss'), -1]]);
  });

  it('has a name that TensorBoard looks for', () => {
    expect(tfEventsFileName(1700000000.9, 'my host/1')).toBe('events.out.tfevents.1700000000.my_host_1');
  });
});
