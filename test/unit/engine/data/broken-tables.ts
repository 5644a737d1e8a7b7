/**
 * @file Broken files: CSV, TSV, plain text, spreadsheets and Parquet.
 */
import { packZipParts } from '../../../../src-main/engine/data/files/zip-parts.ts';
import { bytes, HEADER, MEGABYTE, type BrokenFile } from './broken-file.ts';
import { makeParquet, makeXlsx, packDeflated, workbookParts } from './files.ts';

export const TABLES: BrokenFile[] = [
  { name: 'ragged.csv', content: `${HEADER}a,b\na,b,c\n`, code: 'data/field-count', line: 3, says: '3 fields' },
  { name: 'short.csv', content: `${HEADER}a,b\na\n`, code: 'data/field-count', line: 3, says: '1 fields' },
  {
    name: 'open-quote.csv',
    content: `${HEADER}a,b\n"c,d\ne,f\n`,
    code: 'data/open-quote',
    line: 3,
    says: 'never closed',
  },
  {
    name: 'after-quote.csv',
    content: `${HEADER}"a" b,c\n`,
    code: 'data/broken-quotes',
    line: 2,
    says: 'after the closing quote',
  },
  { name: 'twice.csv', content: 'prompt,prompt\na,b\n', code: 'data/duplicate-column', line: 1, says: '"prompt"' },
  { name: 'header-only.csv', content: HEADER, code: 'data/no-rows', line: null, says: 'no rows' },
  { name: 'blank-header.csv', content: ',,\na,b,c\n', code: 'data/no-header', line: 1, says: 'column names' },
  {
    name: 'no-header.csv',
    content: 'hello,world\nfoo,bar\n',
    code: 'data/unknown-format',
    line: null,
    says: '"hello" and "world"',
  },
  {
    name: 'excel.csv',
    content: bytes(HEADER, 'caf', [0xe9], ' ', [0x93], 'x', [0x94], ',b\n'),
    code: 'data/not-utf8',
    line: 2,
    says: 'Windows-1252',
  },
  {
    name: 'endless-quote.csv',
    content: () => `${HEADER}"a,b\n${'c,d\n'.repeat(8 * MEGABYTE)}`,
    code: 'data/open-quote',
    line: 2,
    says: 'lines follow',
  },
  {
    name: 'long-line.csv',
    content: () => `${HEADER}a,${'x'.repeat(100 * MEGABYTE)}\n`,
    code: 'data/line-too-long',
    line: 2,
    says: '100 MB',
  },
  {
    name: 'wide.csv',
    content: () => ','.repeat(15 * MEGABYTE),
    code: 'data/too-many-columns',
    line: 1,
    says: '15,728,641 columns',
  },
  {
    name: 'long-line.tsv',
    content: () => `prompt\tcompletion\n${'x\t'.repeat(50 * MEGABYTE)}\n`,
    code: 'data/line-too-long',
    line: 2,
    says: '100 MB',
  },
  {
    name: 'open-quote.tsv',
    content: 'prompt\tcompletion\n"a\tb\n',
    code: 'data/open-quote',
    line: 2,
    says: 'never closed',
  },
  { name: 'twice.tsv', content: 'a\ta\n1\t2\n', code: 'data/duplicate-column', line: 1, says: '"a"' },
  { name: 'ragged.tsv', content: 'prompt\tcompletion\na\tb\tc\n', code: 'data/field-count', line: 2, says: '3 fields' },
  {
    name: 'zero.txt',
    content: () => `${'text '.repeat(20_000)}\n\nzero \0 byte\n`,
    code: 'data/binary',
    line: 3,
    says: 'zero byte',
  },
  { name: 'latin1.txt', content: bytes('one\n\ncaf', [0xe9], '\n'), code: 'data/not-utf8', line: 3, says: '0xE9' },
  {
    name: 'long-line.txt',
    content: () => 'x'.repeat(100 * MEGABYTE),
    code: 'data/line-too-long',
    line: 1,
    says: '100 MB',
  },
  {
    name: 'long-paragraph.txt',
    content: () => 'some words\n'.repeat(2 * MEGABYTE),
    code: 'data/line-too-long',
    line: 1,
    says: 'paragraph',
  },
];

const PAIR_CELLS = [
  ['prompt', 'completion'],
  ['a', 'b'],
];
const farCell =
  '<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>';
/** One text that every row refers to. */
const sharedTextParts = (text: string, count: number): Map<string, Buffer> => {
  const rows = Array.from(
    { length: count },
    (_, index) => `<row r="${index + 1}"><c r="A${index + 1}" t="s"><v>${index === 0 ? 0 : 1}</v></c></row>`,
  );
  const parts = workbookParts([], `<worksheet><sheetData>${rows.join('')}</sheetData></worksheet>`);
  const relations = parts.get('xl/_rels/workbook.xml.rels')!.toString();
  const type = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings';
  const relation = `<Relationship Id="rId2" Type="${type}" Target="sharedStrings.xml"/></Relationships>`;
  parts.set('xl/_rels/workbook.xml.rels', Buffer.from(relations.replace('</Relationships>', relation)));
  parts.set('xl/sharedStrings.xml', Buffer.from(`<sst><si><t>text</t></si><si><t>${text}</t></si></sst>`));
  return parts;
};
const bombParts = (): Map<string, Buffer> =>
  workbookParts([], `<worksheet><sheetData>${' '.repeat(97 * MEGABYTE)}</sheetData></worksheet>`);
const sheetOf = (cells: string): Buffer => {
  const header =
    '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>';
  return sheetWith(`<worksheet><sheetData>${header}<row r="2">${cells}</row></sheetData></worksheet>`);
};
const sheetWith = (sheet: string): Buffer => packZipParts(workbookParts([], sheet));

export const SPREADSHEETS: BrokenFile[] = [
  { name: 'text.xlsx', content: 'prompt,completion\n', code: 'data/wrong-type', line: null, says: 'not an Excel file' },
  {
    name: 'word.xlsx',
    content: packZipParts(new Map([['word/document.xml', Buffer.from('<a/>')]])),
    code: 'data/wrong-type',
    line: null,
    says: 'no Excel workbook',
  },
  {
    name: 'cut.xlsx',
    content: makeXlsx(PAIR_CELLS).subarray(0, 900),
    code: 'data/broken-xlsx',
    line: null,
    says: 'cannot be read',
  },
  {
    name: 'no-sheet.xlsx',
    content: packZipParts(new Map([...workbookParts(PAIR_CELLS)].slice(0, 3))),
    code: 'data/broken-xlsx',
    line: null,
    says: 'cannot be read',
  },
  { name: 'empty.xlsx', content: makeXlsx([]), code: 'data/no-rows', line: null, says: 'empty' },
  {
    name: 'header.xlsx',
    content: makeXlsx([['prompt', 'completion']]),
    code: 'data/no-rows',
    line: null,
    says: 'no rows',
  },
  {
    name: 'twice.xlsx',
    content: makeXlsx([
      ['a', 'a'],
      ['1', '2'],
    ]),
    code: 'data/duplicate-column',
    line: 1,
    says: '"a"',
  },
  { name: 'bomb.xlsx', content: () => packDeflated(bombParts()), code: 'data/too-large', line: null, says: '96 MB' },
  {
    name: 'lying-bomb.xlsx',
    content: () => packDeflated(bombParts(), 1000),
    code: 'data/broken-xlsx',
    line: null,
    says: 'cannot be read',
  },
  {
    name: 'text-bomb.xlsx',
    content: () => packDeflated(workbookParts([['text'], ['x'.repeat(90 * MEGABYTE)]])),
    code: 'data/too-large',
    line: null,
    says: 'by repeating it',
  },
  {
    name: 'shared-bomb.xlsx',
    content: () => packDeflated(sharedTextParts('y'.repeat(32_000), 20_000)),
    code: 'data/too-large',
    line: null,
    says: 'by repeating it',
  },
  {
    name: 'entity-bomb.xlsx',
    content: sheetWith(
      `<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">${[...'bcdefghi'].map((name, index) => `<!ENTITY ${name} "${`&${'abcdefgh'[index]};`.repeat(10)}">`).join('')}]><worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&i;</t></is></c></row></sheetData></worksheet>`,
    ),
    code: 'data/no-rows',
    line: null,
    says: 'no rows',
  },
  { name: 'far-cell.xlsx', content: sheetWith(farCell), code: 'data/too-large', line: null, says: 'cells' },
  {
    name: 'error-cell.xlsx',
    content: sheetOf('<c r="A2" t="e"><v>#N/A</v></c><c r="B2" t="e"><v>#REF!</v></c>'),
    code: 'data/lost-cell',
    line: 2,
    says: 'cell A2 holds the error #N/A',
  },
  {
    name: 'formula.xlsx',
    content: sheetOf('<c r="A2"><v>1</v></c><c r="B2"><f>A2+1</f><v/></c>'),
    code: 'data/lost-cell',
    line: 2,
    says: 'cell B2 is a formula whose result is not stored',
  },
  {
    name: 'empty-cell.xlsx',
    content: makeXlsx([...PAIR_CELLS, ['c', null]]),
    code: 'data/empty-field',
    line: 3,
    says: 'empty',
    field: 'completion',
  },
];

const TEXT_COLUMN = (data: string[]) => [{ name: 'text', data }];
const table = makeParquet(TEXT_COLUMN(['one', 'two', 'three']));
const patched = (change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(table);
  change(copy);
  return copy;
};
export const PARQUET: BrokenFile[] = [
  {
    name: 'text.parquet',
    content: 'prompt,completion\n',
    code: 'data/wrong-type',
    line: null,
    says: 'not a Parquet file',
  },
  {
    name: 'cut.parquet',
    content: table.subarray(0, table.length - 20),
    code: 'data/broken-parquet',
    line: null,
    says: 'cannot be read',
  },
  { name: 'tiny.parquet', content: 'PAR1', code: 'data/broken-parquet', line: null, says: 'cannot be read' },
  {
    name: 'footer.parquet',
    content: patched((copy) => copy.writeUInt32LE(0x7fffffff, copy.length - 8)),
    code: 'data/broken-parquet',
    line: null,
    says: 'metadata length',
  },
  {
    name: 'page.parquet',
    content: patched((copy) => copy.fill(0xff, 4, 30)),
    code: 'data/broken-parquet',
    line: null,
    says: 'cannot be read',
  },
  {
    name: 'empty.parquet',
    content: makeParquet([{ name: 'text', data: [], type: 'STRING' }]),
    code: 'data/no-rows',
    line: null,
    says: 'no rows',
  },
  {
    name: 'bytes.parquet',
    content: makeParquet([{ name: 'text', data: [Buffer.from('ok'), Buffer.from([0xe9, 0x20])], type: 'BYTE_ARRAY' }]),
    code: 'data/not-utf8',
    line: 2,
    says: 'not UTF-8',
    field: 'text',
  },
  {
    name: 'page-bomb.parquet',
    content: () => makeParquet(TEXT_COLUMN(['x'.repeat(70 * MEGABYTE)])),
    code: 'data/too-large',
    line: null,
    says: 'unpacks to 70 MB',
  },
  {
    name: 'repeat-bomb.parquet',
    content: () => makeParquet(TEXT_COLUMN(new Array<string>(150_000).fill('y'.repeat(4000)))),
    code: 'data/too-large',
    line: null,
    says: 'repeating',
  },
];
