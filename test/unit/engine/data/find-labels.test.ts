/**
 * @file Labels as people write them: each kind either becomes classes (or numbers), with a word about what could surprise, or is refused
 * by file, row and column.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, type Tokenizer } from '../../../../src-main/engine/tokenizer/tokenizer.ts';
import { writeTokenizerFolder } from '../tokenizer/fixtures.ts';
import { makeWorkplace, toJsonl, type Workplace } from './files.ts';
import { type PrepareChanges, prepareFiles } from './prepare-files.ts';

let place: Workplace;
let tokenizer: Tokenizer;
beforeAll(async () => {
  place = await makeWorkplace();
  tokenizer = await loadTokenizer(await writeTokenizerFolder(place.dir));
});
afterAll(() => place.remove());

type Options = Omit<PrepareChanges, 'data'> & { readonly evalFile?: string };

const prepare = (file: string, { evalFile, ...options }: Options = {}) =>
  prepareFiles(tokenizer, file, {
    taskType: 'SEQ_CLS',
    data: { eval: evalFile ? [evalFile] : null, eval_fraction: 0 },
    ...options,
  });

let written = 0;
const writeRows = (labels: readonly unknown[]): Promise<string> =>
  place.write(`${written++}.jsonl`, toJsonl(labels.map((label, row) => ({ text: `hello ${row}`, label }))));
const writeTable = (labels: readonly string[], column = 'label'): Promise<string> =>
  place.write(
    `${written++}.csv`,
    `text,${column}\n${labels.map((label, row) => `hello ${row},${label}`).join('\n')}\n`,
  );

type Prepared = Awaited<ReturnType<typeof prepare>>;
const codesOf = ({ report }: Prepared): string[] => report.notices.map(({ code }) => code);
const noticeOf = ({ report }: Prepared, code: string): string | undefined =>
  report.notices.find((notice) => notice.code === code)?.message;
const targetsOf = ({ train }: Prepared): unknown[] => train.map(({ target }) => target);

describe('labels that work', () => {
  const repeated = (labels: readonly unknown[]): unknown[] => [...labels, ...labels];

  it.each([
    ['booleans', [true, false], ['false', 'true']],
    ['whole numbers, by their value', [10, 9, 2], ['2', '9', '10']],
    ['numbers and their texts', [1, '1', 0, '0'], ['0', '1']],
    ['words and numbers mixed', ['two', 1, true], ['1', 'true', 'two']],
    ['blanks around them', [' a', 'a ', 'b\t', 'b'], ['a', 'b']],
    ['brackets around words', ['[urgent] bill', '[b]'], ['[b]', '[urgent] bill']],
    [
      'fifty of them',
      Array.from({ length: 50 }, (_, id) => `c${id + 10}`),
      Array.from({ length: 50 }, (_, id) => `c${id + 10}`),
    ],
  ])('%s', async (_what, labels, names) => {
    const prepared = await prepare(await writeRows(repeated(labels)));
    expect(prepared).toMatchObject({ labels: names, problemType: 'single_label_classification' });
    expect(codesOf(prepared)).toEqual([]);
  });

  it('lists, empty ones among them, in cells too', async () => {
    const rows = [['a', ' b '], [], ['a'], 'c'];
    const prepared = await prepare(await writeRows(repeated(rows)));
    expect(prepared).toMatchObject({ labels: ['a', 'b', 'c'], problemType: 'multi_label_classification' });
    expect(targetsOf(prepared).slice(0, 4)).toEqual([
      [1, 1, 0],
      [0, 0, 0],
      [1, 0, 0],
      [0, 0, 1],
    ]);
    const cells = await prepare(await writeTable(['"[""a"", ""b""]"', '[]', '"[""a""]"', '"[""b""]"']));
    expect(targetsOf(cells)).toEqual([
      [1, 1],
      [0, 0],
      [1, 0],
      [0, 1],
    ]);
  });

  it('numbers with fractions', async () => {
    const prepared = await prepare(await writeTable(['1', '-2.5', '3e1']));
    expect(prepared).toMatchObject({ labels: [], problemType: 'regression' });
    expect(targetsOf(prepared)).toEqual([1, -2.5, 30]);
  });
});

describe('what could surprise is noticed', () => {
  it('a class of one row, and one that is held out', async () => {
    const many = Array.from({ length: 30 }, () => 'many');
    const prepared = await prepare(await writeRows([...many, 'a few', 'a few', 'once']));
    expect(prepared.labels).toEqual(['a few', 'many', 'once']);
    expect(noticeOf(prepared, 'data/rare-classes')).toBe('1 of 3 classes occurs in one row only ("once")');
    const file = await writeRows([...many, 'a few', 'a few']);
    const evalFile = await writeRows(['named', 'many']);
    const named = await prepare(file, { evalFile, labels: ['many', 'a few', 'named'] });
    expect(noticeOf(named, 'data/untrained-classes')).toMatch(/no training row is left of "named"/);
  });

  it('classes that differ in capitals or blanks only', async () => {
    const prepared = await prepare(await writeRows(['Yes', 'yes', 'no', 'YES', 'no', 'e-mail', 'e mail', 'Yes']));
    expect(prepared.labels).toHaveLength(6);
    const alike = prepared.report.notices.filter(({ code }) => code === 'data/similar-classes');
    expect(alike.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the classes "Yes", "yes", "YES" differ in capitals, blanks or hyphens only/),
      expect.stringMatching(/^the classes "e-mail", "e mail" differ/),
    ]);
  });

  it('many whole numbers', async () => {
    const ages = Array.from({ length: 60 }, (_, row) => 20 + (row % 30));
    expect(codesOf(await prepare(await writeRows(ages)))).toEqual(['data/many-numbers']);
  });
});

describe('a model that was a classifier before', () => {
  const preferredLabels = ['NEGATIVE', 'POSITIVE'];

  it.each([
    ['its names in other capitals', ['positive', 'Negative'], preferredLabels, [1, 0], []],
    ['its ids', [1, 0], preferredLabels, [1, 0], ['data/labels-are-ids']],
    ['its ids in a table', ['1', '0'], preferredLabels, [1, 0], ['data/labels-are-ids']],
    ['other names', ['spam', 'ham'], ['ham', 'spam'], [1, 0], ['data/other-classes']],
    ['one name more', ['positive', 'neutral'], ['neutral', 'positive'], [1, 0], ['data/other-classes']],
  ])('%s', async (_what, labels, names, targets, codes) => {
    const prepared = await prepare(await writeRows([...labels, ...labels]), { preferredLabels });
    expect(prepared.labels).toEqual(names);
    expect(targetsOf(prepared).slice(0, 2)).toEqual(targets);
    expect(codesOf(prepared)).toEqual(codes);
  });

  it('says which classes take the place of which', async () => {
    const prepared = await prepare(await writeRows(['spam', 'ham', 'spam', 'ham']), { preferredLabels });
    expect(noticeOf(prepared, 'data/other-classes')).toBe(
      'the model was made for other classes (NEGATIVE, POSITIVE); those of the rows (ham, spam) take their place',
    );
  });

  it('is measured on rows of one class alone', async () => {
    const options = { labels: preferredLabels, purpose: 'measure' } as const;
    const prepared = await prepare(await writeRows(['positive', 'positive']), options);
    expect(targetsOf(prepared)).toEqual([1, 1]);
    expect(codesOf(prepared)).toEqual([]);
  });
});

describe('labels that are refused by file, row and column', () => {
  it.each([
    ['an empty one', ['a', '', 'b'], 'the label is empty', 'label'],
    ['none', ['a', null, 'b'], 'the label is empty', 'label'],
    ['an object', ['a', { name: 'b' }, 'b'], 'a label is expected, found an object', 'label'],
    ['nothing in a list', [['a'], ['b', null], ['b']], 'a label is expected, found null', 'label'],
    [
      'a mark for each class',
      [
        [1, 0],
        [1, 0, 1],
        [0, 1],
      ],
      'the list [1, 0, 1] has a mark for each class; their names are expected',
      'label',
    ],
  ])('%s', async (_what, labels, message, field) => {
    const file = await writeRows(labels);
    await expect(prepare(file)).rejects.toMatchObject({
      code: 'data/bad-rows',
      faults: [{ file, line: 2, field, message }],
    });
  });

  it('a word among numbers, a comma in place of the point; in the column as it is called', async () => {
    const numbers = Array.from({ length: 20 }, (_, row) => `${row}.5`);
    const file = await writeTable(['n/a', ...numbers, '"3,5"'], 'sentiment');
    await expect(prepare(file)).rejects.toMatchObject({
      faults: [
        { file, line: 2, field: 'sentiment', message: 'a number is expected, found "n/a"' },
        { file, line: 23, field: 'sentiment', hint: 'Write decimals with a point: 3.5.' },
      ],
    });
  });

  it('a class of the evaluation rows that no training row has', async () => {
    const evalFile = await writeTable(['a', 'c'], 'category');
    await expect(prepare(await writeRows(['a', 'b', 'a', 'b']), { evalFile })).rejects.toMatchObject({
      faults: [
        {
          ...{ file: evalFile, line: 3, field: 'category' },
          message: 'the label "c" is no class of the training rows (a, b)',
        },
      ],
    });
  });
});
