/**
 * @file Finds out what a data file really is: from its first bytes, then its name.
 *
 * Each answer is either a readable type with its encoding or one fault that says what the file is and what to do. Nothing is
 * unpacked here.
 */
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { dataFault } from '../faults.ts';
import type { DataFault } from '../types.ts';

export type DataFileType = 'jsonl' | 'json' | 'csv' | 'tsv' | 'txt' | 'parquet' | 'xlsx';

/** A file that can be read. */
export interface DataFile {
  /** As the user gave it. */
  readonly path: string;
  readonly type: DataFileType;
  readonly encoding: 'utf-8' | 'utf-8 with BOM' | 'binary';
  /** Bytes to skip at the start (byte order mark). */
  readonly skipBytes: number;
  /** Byte that ends a line: 10, or 13 in files of the old Mac. */
  readonly lineEnd: number;
  readonly sizeBytes: number;
}

export type SniffResult =
  { readonly ok: true; readonly file: DataFile } | { readonly ok: false; readonly fault: DataFault };

const TYPE_OF_EXTENSION: Readonly<Record<string, DataFileType>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.txt': 'txt',
  '.md': 'txt',
  '.text': 'txt',
  '.parquet': 'parquet',
  '.pq': 'parquet',
  '.xlsx': 'xlsx',
  '.xlsm': 'xlsx',
};

/** What can be read, for messages. */
export const READABLE_TYPES = 'JSONL, JSON, CSV, TSV, TXT, Parquet or XLSX';

const HEAD_BYTES = 64 * 1024;
/** Share of zero bytes that a text may have; each is a fault of its line. */
const MOST_ZEROS = 0.002;

interface Signature {
  readonly bytes: string;
  readonly at?: number;
  readonly code: string;
  readonly what: string;
  readonly hint: string;
}

const UNPACK = 'Unpack it first: how much a compressed file holds is not known before it is read.';
const SIGNATURES: readonly Signature[] = [
  { bytes: '\x1f\x8b', code: 'data/compressed', what: 'a gzip archive', hint: UNPACK },
  { bytes: '(\xb5/\xfd', code: 'data/compressed', what: 'a Zstandard archive', hint: UNPACK },
  { bytes: 'BZh', code: 'data/compressed', what: 'a bzip2 archive', hint: UNPACK },
  { bytes: '\xfd7zXZ', code: 'data/compressed', what: 'an xz archive', hint: UNPACK },
  { bytes: '7z\xbc\xaf', code: 'data/compressed', what: 'a 7-Zip archive', hint: UNPACK },
  { bytes: 'Rar!', code: 'data/compressed', what: 'a RAR archive', hint: UNPACK },
  {
    bytes: '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
    code: 'data/old-office',
    what: 'an old or password-protected Office file',
    hint: 'Open it in Excel or LibreOffice and save it as .xlsx or .csv without a password.',
  },
  { bytes: '%PDF', code: 'data/binary', what: 'a PDF document', hint: 'Copy its text into a .txt file.' },
  { bytes: '\x89PNG', code: 'data/binary', what: 'a PNG picture', hint: 'Give text, not pictures.' },
  { bytes: '\xff\xd8\xff', code: 'data/binary', what: 'a JPEG picture', hint: 'Give text, not pictures.' },
  { bytes: 'GIF8', code: 'data/binary', what: 'a GIF picture', hint: 'Give text, not pictures.' },
  {
    bytes: 'SQLite format 3',
    code: 'data/binary',
    what: 'an SQLite database',
    hint: 'Export the table as CSV or JSONL.',
  },
  { bytes: 'ARROW1', code: 'data/binary', what: 'an Arrow (Feather) file', hint: 'Save it as Parquet.' },
  { bytes: 'GGUF', code: 'data/binary', what: 'a GGUF model', hint: 'This is a model, not data.' },
  { bytes: '\x7fELF', code: 'data/binary', what: 'a program', hint: 'Choose a data file.' },
  { bytes: 'MZ', code: 'data/binary', what: 'a Windows program', hint: 'Choose a data file.' },
  { bytes: '{"', at: 8, code: 'data/binary', what: 'a safetensors model file', hint: 'This is a model, not data.' },
  {
    bytes: 'version https://git-lfs.github.com/spec/',
    code: 'data/lfs-pointer',
    what: 'a pointer that Git LFS left in place of the data',
    hint: 'Fetch the data itself with `git lfs pull`, or download the file again.',
  },
  {
    bytes: '\x80\x04\x95',
    code: 'data/binary',
    what: 'a Python pickle',
    hint: 'A pickle can run code when it is opened; save the data as JSONL or Parquet.',
  },
];

/** Looks at a file. Never throws for what is wrong with the file itself. */
export async function sniffFile(file: string): Promise<SniffResult> {
  const found = await openRegularFile(file);
  if ('fault' in found) return { ok: false, fault: found.fault };
  try {
    const head = Buffer.alloc(Math.min(HEAD_BYTES, found.sizeBytes));
    await found.handle.read(head, 0, head.length, 0);
    return judge(file, head, found.sizeBytes);
  } finally {
    await found.handle.close();
  }
}

async function openRegularFile(
  file: string,
): Promise<{ readonly handle: FileHandle; readonly sizeBytes: number } | { readonly fault: DataFault }> {
  try {
    const info = await stat(file);
    if (info.isDirectory()) return { fault: await folderFault(file) };
    if (!info.isFile()) {
      return {
        fault: dataFault('data/not-a-file', file, 'this is a device or a pipe, not a file', { hint: 'Give a file.' }),
      };
    }
    if (info.size === 0) {
      return {
        fault: dataFault('data/empty-file', file, 'the file is empty (0 bytes)', { hint: 'Give a file with rows.' }),
      };
    }
    return { handle: await open(file, 'r'), sizeBytes: info.size };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return { fault: dataFault('data/missing-file', file, 'there is no such file', { hint: 'Check the path.' }) };
    }
    const hint = code === 'ELOOP' ? 'It is a link that leads back to itself.' : 'Check who may read it.';
    return { fault: dataFault('data/unreadable-file', file, `the file cannot be opened (${code})`, { hint }) };
  }
}

async function folderFault(folder: string): Promise<DataFault> {
  const names: string[] = await readdir(folder).catch(() => []);
  const readable = names.filter((name) => path.extname(name).toLowerCase() in TYPE_OF_EXTENSION).sort();
  const hint =
    readable.length > 0
      ? `Give the files themselves: ${readable
          .slice(0, 5)
          .map((name) => path.join(folder, name))
          .join(', ')}.`
      : `Give a file (${READABLE_TYPES}).`;
  return dataFault('data/is-folder', folder, 'this is a folder, not a file', { hint });
}

function judge(file: string, head: Buffer, sizeBytes: number): SniffResult {
  const extension = path.extname(file).toLowerCase();
  const known = TYPE_OF_EXTENSION[extension];
  const fail = (code: string, message: string, hint: string): SniffResult => ({
    ok: false,
    fault: dataFault(code, file, message, { hint }),
  });
  const ok = (type: DataFileType, rest: Partial<DataFile> = {}): SniffResult => ({
    ok: true,
    file: { path: file, type, encoding: 'utf-8', skipBytes: 0, lineEnd: 10, sizeBytes, ...rest },
  });
  if (startsWith(head, 'PAR1')) return ok('parquet', { encoding: 'binary' });
  if (startsWith(head, 'PK\x03\x04') || startsWith(head, 'PK\x05\x06')) {
    if (known === 'xlsx') return ok('xlsx', { encoding: 'binary' });
    return fail(
      'data/compressed',
      'this is a ZIP archive (so are Excel and Word files), whatever its name says',
      'Name a spreadsheet .xlsx; unpack any other archive first.',
    );
  }
  const signature = SIGNATURES.find(({ bytes, at }) => startsWith(head, bytes, at));
  if (signature) return fail(signature.code, `this is ${signature.what}, not text`, signature.hint);
  if (known === 'parquet' || known === 'xlsx') {
    const name = known === 'xlsx' ? 'an Excel file' : 'a Parquet file';
    return fail(
      'data/wrong-type',
      `the name ends in ${extension}, but this is not ${name}`,
      'Give the file its real ending.',
    );
  }
  const encodingFault = findEncodingFault(head);
  if (encodingFault) return fail(...encodingFault);
  if (known !== 'txt' && /^\s*(?:<!doctype html|<html)/i.test(head.subarray(0, 200).toString('latin1'))) {
    return fail(
      'data/web-page',
      'this is a web page (HTML), not data',
      'Download the file itself, not the page about it.',
    );
  }
  const skipBytes = startsWith(head, '\xef\xbb\xbf') ? 3 : 0;
  const type = known ?? guessTextType(head, skipBytes);
  if (type === null) {
    return fail(
      'data/unknown-type',
      `the ending "${extension || '(none)'}" says nothing about the content`,
      `Name the file by its type: ${READABLE_TYPES}.`,
    );
  }
  const lineEnd = !head.includes(10) && head.includes(13) ? 13 : 10;
  return ok(type, { encoding: skipBytes > 0 ? 'utf-8 with BOM' : 'utf-8', skipBytes, lineEnd });
}

function startsWith(head: Buffer, bytes: string, at = 0): boolean {
  const expected = Buffer.from(bytes, 'latin1');
  return head.subarray(at, at + expected.length).equals(expected);
}

/** UTF-16 and UTF-32 by their marks or their pattern of zeros; anything else with zeros or control bytes is no text. */
function findEncodingFault(head: Buffer): [code: string, message: string, hint: string] | null {
  const save = 'Save it as UTF-8 (in Excel: "CSV UTF-8"; in Notepad: Save as, Encoding).';
  if (startsWith(head, '\xff\xfe\0\0') || startsWith(head, '\0\0\xfe\xff')) {
    return ['data/encoding', 'the text is encoded as UTF-32, not UTF-8', save];
  }
  if (startsWith(head, '\xff\xfe') || startsWith(head, '\xfe\xff')) {
    return ['data/encoding', 'the text is encoded as UTF-16, not UTF-8', save];
  }
  const zeros = [0, 0];
  let controls = 0;
  for (let index = 0; index < head.length; index++) {
    const byte = head[index]!;
    if (byte === 0) zeros[index % 2]!++;
    else if ((byte < 32 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13 && byte !== 27) || byte === 127)
      controls++;
  }
  const [even, odd] = zeros as [number, number];
  const half = head.length / 2;
  if ((odd > half * 0.4 && even < half * 0.1) || (even > half * 0.4 && odd < half * 0.1)) {
    return ['data/encoding', 'the text looks like UTF-16 without a mark, not UTF-8', save];
  }
  if (even + odd > Math.max(2, head.length * MOST_ZEROS) || controls > head.length * 0.05) {
    return ['data/binary', 'this is a binary file, not text', `Give a data file (${READABLE_TYPES}).`];
  }
  return null;
}

function guessTextType(head: Buffer, skipBytes: number): DataFileType | null {
  const start = head.subarray(skipBytes).toString('latin1').trimStart();
  if (start.startsWith('[')) return 'json';
  return start.startsWith('{') ? 'jsonl' : null;
}
