import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeParquet, makeWorkplace, makeXlsx, readAll, toJsonl, type Workplace } from './files.ts';

let place: Workplace;
beforeAll(async () => {
  place = await makeWorkplace();
});
afterAll(() => place.remove());

const ROWS = [
  { prompt: 'Grüß Gott, "you"', completion: 'a, b; c\td' },
  { prompt: 'two\nlines', completion: '東京 😀' },
  { prompt: '  spaces  ', completion: '1' },
];
const csvCell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const toCsv = (delimiter: string, lineEnd = '\n'): string =>
  [['prompt', 'completion'], ...ROWS.map((row) => [row.prompt, row.completion])]
    .map((cells) => cells.map(csvCell).join(delimiter))
    .join(lineEnd);
const COLUMNS = [
  { name: 'prompt', data: ROWS.map((row) => row.prompt) },
  { name: 'completion', data: ROWS.map((row) => row.completion) },
];

describe('the same rows from every type', () => {
  it.each([
    ['rows.jsonl', toJsonl(ROWS)],
    ['blank-lines.ndjson', `\n${toJsonl(ROWS).replaceAll('\n', '\r\n\r\n')}   `],
    ['list.json', JSON.stringify(ROWS)],
    ['pretty.json', JSON.stringify(ROWS, null, 2)],
    ['inside-object.json', JSON.stringify({ version: '1.0', data: ROWS, note: { a: [1] } }, null, 1)],
    ['lines-named.json', toJsonl(ROWS)],
    ['mark.jsonl', `\uFEFF${toJsonl(ROWS)}`],
    ['comma.csv', toCsv(',')],
    ['semicolon.csv', toCsv(';', '\r\n')],
    ['bar.csv', toCsv('|')],
    ['excel.csv', `\uFEFFsep=;\r\n${toCsv(';', '\r\n')}\r\n`],
    ['tab.tsv', `${toCsv('\t')}\n\n`],
    ['sheet.xlsx', makeXlsx([['prompt', 'completion'], ...ROWS.map((row) => [row.prompt, row.completion])])],
    ['table.parquet', makeParquet(COLUMNS)],
    ['groups.parquet', makeParquet(COLUMNS, { rowGroupSize: 2 })],
  ])('%s', async (name, content) => {
    const { rows, faults } = await readAll(await place.write(name, content));
    expect(faults).toEqual([]);
    expect(rows).toEqual(ROWS);
  });
});

describe('places', () => {
  it('counts lines, blank ones too', async () => {
    const file = await place.write('lines.jsonl', '\n{"a":1}\n\n{"a":2}');
    expect((await readAll(file)).lines).toEqual([2, 4]);
  });

  it('gives the line where a CSV record begins', async () => {
    const file = await place.write('lines.csv', 'a,b\n1,"x\ny"\n2,z\n');
    const { rows, lines } = await readAll(file);
    expect(lines).toEqual([2, 4]);
    expect(rows[0]).toEqual({ a: '1', b: 'x\ny' });
  });

  it('gives the line where an element of a list begins', async () => {
    const file = await place.write('lines.json', '[\n {"a": "}]"},\n\n {"a":\n "\\"" } ]');
    expect(await readAll(file)).toMatchObject({ rows: [{ a: '}]' }, { a: '"' }], lines: [2, 4], faults: [] });
  });

  it('gives the row of a sheet and of a Parquet table', async () => {
    const sheet = await place.write('gap.xlsx', makeXlsx([['a'], ['x'], [null], [3]]));
    expect(await readAll(sheet)).toMatchObject({ rows: [{ a: 'x' }, { a: 3 }], lines: [2, 4] });
    const table = await place.write('n.parquet', makeParquet([{ name: 'n', data: [1n, 2n], type: 'INT64' }]));
    expect(await readAll(table)).toMatchObject({ rows: [{ n: 1 }, { n: 2 }], lines: [1, 2] });
  });
});

it('keeps nested Parquet values as JSON has them', async () => {
  const messages = [
    [{ role: 'user', content: 'a' }],
    [
      { role: 'user', content: 'b' },
      { role: 'assistant', content: 'c' },
    ],
  ];
  const file = await place.write('nested.parquet', makeParquet([{ name: 'messages', data: messages, type: 'JSON' }]));
  expect((await readAll(file)).rows).toEqual(messages.map((value) => ({ messages: value })));
});

it('reads a text by paragraph, with or without the last line end, and old Mac line ends', async () => {
  const unix = await place.write('a.txt', '\n\none\ntwo\n\n \nthree');
  expect(await readAll(unix)).toMatchObject({ rows: [{ text: 'one\ntwo' }, { text: 'three' }], lines: [3, 7] });
  const mac = await place.write('mac.csv', 'a,b\r1,2\r');
  expect((await readAll(mac)).rows).toEqual([{ a: '1', b: '2' }]);
});

it('reads lines that span the chunks of the file', async () => {
  const rows = Array.from({ length: 40 }, (_, index) => ({ id: index, text: 'é'.repeat(9_973 * (index % 5)) }));
  const jsonl = await readAll(await place.write('long.jsonl', toJsonl(rows)));
  expect(jsonl).toMatchObject({ rows, faults: [] });
  expect((await readAll(await place.write('long.json', JSON.stringify(rows)))).rows).toEqual(rows);
});

it('keeps a column named __proto__ out of the prototype', async () => {
  const { rows } = await readAll(await place.write('proto.csv', '__proto__,a\nx,y\n'));
  expect(Object.keys(rows[0]!)).toEqual(['__proto__', 'a']);
});

it('says what it assumed', async () => {
  const semicolon = await readAll(await place.write('s.csv', 'a;b\n1;2\n'));
  expect(semicolon.notices).toMatchObject([{ code: 'data/delimiter' }]);
  const inside = await readAll(await place.write('i.json', '{"meta": 1, "rows": [{"a": 1}]}'));
  expect(inside.notices).toMatchObject([{ code: 'data/json-list', message: expect.stringContaining('"rows"') }]);
});
