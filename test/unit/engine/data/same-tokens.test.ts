/**
 * @file The same rows give the same tokens and labels, whatever file type they come in and whatever format they are written in.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareData } from '../../../../src-main/engine/data/prepare.ts';
import { loadTokenizer, type Tokenizer } from '../../../../src-main/engine/tokenizer/tokenizer.ts';
import { writeTokenizerFolder } from '../tokenizer/fixtures.ts';
import { makeParquet, makeWorkplace, makeXlsx, toJsonl, type Workplace } from './files.ts';

let place: Workplace;
let tokenizer: Tokenizer;
beforeAll(async () => {
  place = await makeWorkplace();
  tokenizer = await loadTokenizer(await writeTokenizerFolder(place.dir));
});
afterAll(() => place.remove());

type Pair = readonly [question: string, answer: string];
type Fields = Readonly<Record<string, string>>;

/** Quotes, every delimiter, line breaks, several scripts, spaces at the ends, what looks like a number or a formula. */
const PAIRS: readonly Pair[] = [
  ['Say "hello", world; a|b\tc', 'ok, "user"'],
  ['two\nlines\n\nand a paragraph', '東京 😀 Grüße'],
  ['  spaces  ', ' 007 '],
  ['=1+1', '1e5'],
  ['null', 'true'],
  ['{"a": [1, 2]}', '[1, 2]'],
];
const TEXTS = PAIRS.map(([question, answer]) => `${question} ${answer}`.replace(/\s+/g, ' ').trim());

const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const toTable = (rows: readonly Fields[], delimiter: string): string =>
  [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))]
    .map((cells) => `${cells.map(cell).join(delimiter)}\n`)
    .join('');

/** One file of each type that holds named fields. */
const FILE_TYPES: Readonly<Record<string, (rows: readonly Fields[]) => string | Uint8Array>> = {
  jsonl: toJsonl,
  json: (rows) => JSON.stringify({ version: 1, data: rows }, null, 2),
  csv: (rows) => toTable(rows, ','),
  tsv: (rows) => toTable(rows, '\t'),
  parquet: (rows) => makeParquet(Object.keys(rows[0]!).map((name) => ({ name, data: rows.map((row) => row[name]!) }))),
  xlsx: (rows) => makeXlsx([Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))]),
};

/** One way to write the pairs for each format; lists as JSON, which tables hold in a cell. */
const FORMATS: Readonly<Record<string, (pair: Pair) => Fields>> = {
  prompt_completion: ([prompt, completion]) => ({ prompt, completion }),
  alpaca: ([instruction, output]) => ({ instruction, input: '', output }),
  messages: ([question, answer]) => ({
    messages: JSON.stringify([
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ]),
  }),
  sharegpt: ([question, answer]) => ({
    conversations: JSON.stringify([
      { from: 'human', value: question },
      { from: 'gpt', value: answer },
    ]),
  }),
};

async function tokensOf(name: string, content: string | Uint8Array) {
  const file = await place.write(name, content);
  const { train, report } = await prepareData({
    data: {
      train: [file],
      eval: null,
      eval_fraction: 0,
      format: 'auto',
      columns: {},
      template: null,
      max_length: 256,
      completion_only_loss: true,
    },
    taskType: 'CAUSAL_LM',
    tokenizer,
    vocabSize: tokenizer.vocabSize,
    seed: 42,
    now: new Date(0),
  });
  const rows = train.map(({ inputIds, labels }) => ({ inputIds: [...inputIds], labels: [...labels] }));
  return { rows, format: report.files[0]!.format };
}

describe('questions and answers', () => {
  const cases = Object.keys(FORMATS).flatMap((format) => Object.keys(FILE_TYPES).map((type) => ({ format, type })));
  it.each(cases)('$format in $type', async ({ format, type }) => {
    const plain = await tokensOf('plain.jsonl', toJsonl(PAIRS.map(FORMATS.prompt_completion!)));
    expect(plain.rows).toHaveLength(PAIRS.length);
    expect(plain.rows.every(({ labels }) => labels.some((label) => label >= 0))).toBe(true);
    const content = FILE_TYPES[type]!(PAIRS.map(FORMATS[format]!));
    expect(await tokensOf(`rows.${type}`, content)).toEqual({ ...plain, format });
  });
});

describe('plain texts', () => {
  it.each([...Object.keys(FILE_TYPES), 'txt'])('%s', async (type) => {
    const rows = TEXTS.map((text) => ({ text }));
    const plain = await tokensOf('plain.jsonl', toJsonl(rows));
    expect(plain.rows).toHaveLength(TEXTS.length);
    const content = type === 'txt' ? TEXTS.join('\n\n') : FILE_TYPES[type]!(rows);
    expect(await tokensOf(`texts.${type}`, content)).toEqual(plain);
  });
});
