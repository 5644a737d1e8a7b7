/**
 * @file Reads a text file line by line in constant memory, whatever the length of a line.
 *
 * Lines come in groups (those that end in one chunk of the file), because handing over each one alone would cost more than reading
 * it. A line beyond the limit is dropped while it is read; only its number and length stay.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import type { TextEncodingLabel } from '../../../../src-shared/domain/data-report.ts';
import { dataFault } from '../faults.ts';
import type { DataFault } from '../types.ts';
import { inMegabytes, MAX_ROW_BYTES } from './limits.ts';
import type { DataFile } from './sniff.ts';

/** One line; exactly one of text and fault. */
export interface TextLine {
  /** 1-based. */
  readonly number: number;
  readonly text: string | null;
  readonly fault: DataFault | null;
}

const CHUNK_BYTES = 256 * 1024;
const CARRIAGE_RETURN = 13;

/** @returns groups of lines, without their line ends; faults are lines that are too long or not UTF-8. */
export async function* readLines(file: DataFile, maxBytes = MAX_ROW_BYTES): AsyncGenerator<TextLine[]> {
  const stream = createReadStream(file.path, { start: file.skipBytes, highWaterMark: CHUNK_BYTES });
  const pending = createPendingLine(maxBytes);
  let number = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines: TextLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(file.lineEnd); end >= 0; end = chunk.indexOf(file.lineEnd, start)) {
      lines.push(toLine(file, ++number, pending.finish(chunk.subarray(start, end)), maxBytes));
      start = end + 1;
    }
    pending.add(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (pending.length() > 0) yield [toLine(file, ++number, pending.finish(Buffer.alloc(0)), maxBytes)];
}

interface LineBytes {
  /** null = longer than allowed. */
  readonly bytes: Buffer | null;
  readonly length: number;
}

/** Gathers the pieces of a line that spans chunks, up to the limit. */
function createPendingLine(maxBytes: number): {
  add(piece: Buffer): void;
  finish(piece: Buffer): LineBytes;
  length(): number;
} {
  let pieces: Buffer[] = [];
  let length = 0;
  const add = (piece: Buffer): void => {
    length += piece.length;
    if (length > maxBytes) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  return {
    add,
    length: () => length,
    finish: (piece) => {
      const whole = length === 0 && piece.length <= maxBytes ? piece : null;
      if (whole === null) add(piece);
      const line = {
        bytes: whole ?? (length > maxBytes ? null : Buffer.concat(pieces)),
        length: whole?.length ?? length,
      };
      pieces = [];
      length = 0;
      return line;
    },
  };
}

function toLine(file: DataFile, number: number, line: LineBytes, maxBytes: number): TextLine {
  if (line.bytes === null) {
    const message = `the line has ${inMegabytes(line.length)}, more than the ${inMegabytes(maxBytes)} that one row may have`;
    const hint = 'Split it into several rows; if the file is one JSON array, name it .json.';
    return { number, text: null, fault: dataFault('data/line-too-long', file.path, message, { line: number, hint }) };
  }
  const bytes = line.bytes.at(-1) === CARRIAGE_RETURN ? line.bytes.subarray(0, -1) : line.bytes;
  if (!isUtf8(bytes)) return { number, text: null, fault: notUtf8Fault(file.path, number, bytes) };
  const zero = bytes.indexOf(0);
  if (zero >= 0) return { number, text: null, fault: zeroByteFault(file.path, number, zero) };
  return { number, text: bytes.toString('utf8'), fault: null };
}

function zeroByteFault(file: string, line: number, at: number): DataFault {
  return dataFault('data/binary', file, `a zero byte at column ${at + 1}: this is not plain text`, {
    line,
    hint: 'The file is damaged there: remove the line, or write the file again.',
  });
}

/** Says which byte is wrong and in which encoding the line would make sense. */
export function notUtf8Fault(file: string, line: number, bytes: Buffer): DataFault {
  const position = findInvalidByte(bytes);
  const byte = bytes[position]!.toString(16).padStart(2, '0').toUpperCase();
  const column = bytes.subarray(0, position).toString('utf8').length + 1;
  const likely = guessEncoding(bytes).name;
  return dataFault(
    'data/not-utf8',
    file,
    `byte 0x${byte} at column ${column} is not UTF-8; the text is probably ${likely}`,
    {
      line,
      hint: 'Save the file as UTF-8 (in Excel: "CSV UTF-8"; in Notepad: Save as, Encoding).',
    },
  );
}

function findInvalidByte(bytes: Buffer): number {
  let index = 0;
  while (index < bytes.length) {
    const lead = bytes[index]!;
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead >= 0x80 && !isUtf8(bytes.subarray(index, index + length))) return index;
    index += length;
  }
  return bytes.length - 1;
}

/** An encoding that is not UTF-8, by its label for `TextDecoder` and for people. */
export interface LikelyEncoding {
  readonly label: TextEncodingLabel;
  readonly name: string;
}

/** In which encoding a line that is not UTF-8 makes sense. */
export function guessEncoding(bytes: Buffer): LikelyEncoding {
  for (const [label, name] of [
    ['shift_jis', 'Shift JIS'],
    ['gb18030', 'GB18030 (Chinese)'],
    ['euc-kr', 'EUC-KR (Korean)'],
  ] as const) {
    if (looksLike(bytes, label)) return { label, name };
  }
  const high = bytes.filter((byte) => byte >= 0x80);
  const letters = bytes.filter((byte) => (byte | 32) >= 97 && (byte | 32) <= 122).length;
  const isCyrillic = high.length > letters && high.every((byte) => byte >= 0xa8);
  if (isCyrillic) return { label: 'windows-1251', name: 'Windows-1251 (Cyrillic)' };
  const isWindows = high.some((byte) => byte <= 0x9f);
  return { label: 'windows-1252', name: isWindows ? 'Windows-1252' : 'Latin-1 or Windows-1252' };
}

/** True where all non-ASCII bytes come in pairs that this encoding knows, in runs as its language writes them. */
function looksLike(bytes: Buffer, encoding: string): boolean {
  let high = 0;
  for (const byte of bytes) if (byte >= 0x80) high++;
  if (high < 8 || high < bytes.length * 0.3) return false;
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    const wide = text.match(/[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]/g)?.length ?? 0;
    const pattern =
      encoding === 'shift_jis' ? /[\u3040-\u30ff]/ : encoding === 'euc-kr' ? /[\uac00-\ud7af]/ : /[\u4e00-\u9fff]/;
    return wide * 2 > high * 0.8 && pattern.test(text);
  } catch {
    return false;
  }
}
