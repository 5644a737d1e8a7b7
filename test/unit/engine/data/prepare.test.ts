import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectData } from '../../../../src-main/engine/data/inspect.ts';
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

const pair = (prompt: string, completion: string) => ({ prompt, completion });
const PAIRS = Array.from({ length: 20 }, (_, index) => pair(`question ${index}`, `answer ${index}`));

const prepare = (train: string | string[], changes?: PrepareChanges) => prepareFiles(tokenizer, train, changes);

describe('prepareData', () => {
  it('tokenizes, splits and reports', async () => {
    const file = await place.write('pairs.jsonl', toJsonl(PAIRS));
    const prepared = await prepare(file);
    expect(prepared.train).toHaveLength(18);
    expect(prepared.eval).toHaveLength(2);
    expect(prepared.labels).toBeNull();
    const supervised = prepared.train.reduce((sum, { labels }) => sum + labels.filter((label) => label >= 0).length, 0);
    expect(prepared.supervisedTokens).toBe(supervised);
    expect(prepared.report).toMatchObject({
      rows: 20,
      bad_rows: 0,
      files: [
        {
          path: file,
          role: 'train',
          type: 'jsonl',
          format: 'prompt_completion',
          columns: ['prompt', 'completion'],
          rows: 20,
        },
      ],
      tokens: { rows_with_stop_token: 20 },
    });
    const [sample] = prepared.report.samples;
    expect(sample!.spans.map(({ text }) => text).join('')).toBe(
      '<|im_start|>user\nquestion 0<|im_end|>\n<|im_start|>assistant\nanswer 0<|im_end|>\n',
    );
    expect(sample!.spans.filter(({ trained }) => trained)).toEqual([{ text: 'answer 0<|im_end|>', trained: true }]);
  });

  it('splits the same rows the same way from another order', async () => {
    const idsOf = (examples: readonly { inputIds: Int32Array }[]) =>
      new Set(examples.map(({ inputIds }) => inputIds.join(' ')));
    const forth = await prepare(await place.write('forth.jsonl', toJsonl(PAIRS)));
    const back = await prepare(await place.write('back.jsonl', toJsonl([...PAIRS].reverse())));
    expect(idsOf(back.eval)).toEqual(idsOf(forth.eval));
  });

  it('takes an evaluation file and names rows that are trained too', async () => {
    const train = await place.write('train.jsonl', toJsonl([...PAIRS, PAIRS[0]]));
    const held = await place.write('held.jsonl', toJsonl([PAIRS[3], pair('new', 'row')]));
    const { report, eval: evaluation } = await prepare(train, { data: { eval: [held] } });
    expect(evaluation).toHaveLength(2);
    expect(report.overlap).toMatchObject({
      count: 1,
      examples: [{ file: held, line: 1, same_as: { file: train, line: 4 } }],
    });
    expect(report.duplicates).toMatchObject({ count: 1, examples: [{ file: train, line: 21, same_as: { line: 1 } }] });
  });

  it('refuses bad rows with all faults of all files', async () => {
    const rows = await place.write('bad.jsonl', `${toJsonl([PAIRS[0]])}{"prompt": \n${toJsonl([pair('x', ' ')])}`);
    const error = await prepare([rows, 'nowhere.jsonl']).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'data/bad-rows',
      kind: 'input',
      faults: [
        { file: rows, line: 2, code: 'data/broken-json' },
        { file: rows, line: 3, field: 'completion', code: 'data/empty-field' },
        { file: 'nowhere.jsonl', code: 'data/missing-file' },
      ],
    });
  });

  it('lists fifty faults and counts the rest', async () => {
    const file = await place.write(
      'many.jsonl',
      toJsonl([PAIRS[0], ...Array.from({ length: 70 }, () => pair('', ''))]),
    );
    const error = (await prepare(file).catch((thrown: unknown) => thrown)) as { faults: { message: string }[] };
    expect(error.faults).toHaveLength(51);
    expect(error.faults.at(-1)!.message).toContain('20 more');
  });

  it('leaves bad rows out on request, but not missing files', async () => {
    const file = await place.write('some-bad.jsonl', toJsonl([...PAIRS, pair('x', '')]));
    const prepared = await prepare(file, { skipBadRows: true });
    expect(prepared.train.length + prepared.eval.length).toBe(20);
    expect(prepared.report).toMatchObject({ bad_rows: 1, empty: { count: 1, examples: [{ line: 21 }] } });
    await expect(prepare([file, 'nowhere.jsonl'], { skipBadRows: true })).rejects.toMatchObject({
      code: 'data/bad-rows',
    });
  });

  it('refuses a run in which nothing is trained', async () => {
    const file = await place.write('long.jsonl', toJsonl(PAIRS));
    await expect(prepare(file, { data: { max_length: 5 } })).rejects.toMatchObject({
      code: 'data/no-supervised-tokens',
      hint: expect.stringContaining('max_length'),
      faults: expect.arrayContaining([expect.objectContaining({ file, line: 1 })]),
    });
    const masked = await place.write('masked.jsonl', toJsonl([{ input_ids: [5, 6], labels: [-100, -100] }]));
    await expect(prepare(masked)).rejects.toMatchObject({ code: 'data/no-supervised-tokens' });
  });

  it('counts what is cut, and leaves out rows whose answers are cut off', async () => {
    const rows = [...PAIRS, pair('very '.repeat(60), 'late'), pair('short', 'answer '.repeat(60))];
    const { report, train, eval: evaluation } = await prepare(await place.write('cut.jsonl', toJsonl(rows)));
    expect(report.truncated).toMatchObject({ count: 2, examples: [{ line: 21 }, { line: 22 }] });
    expect(report.labels_cut_off).toMatchObject({ count: 1, examples: [{ line: 21 }] });
    expect(train.length + evaluation.length).toBe(21);
    expect(report.notices).toContainEqual(expect.objectContaining({ code: 'data/rows-left-out' }));
  });

  it('names a token id outside the vocabulary', async () => {
    const file = await place.write('ids.jsonl', toJsonl([{ input_ids: [5, 6] }, { input_ids: [5, 70_000] }]));
    await expect(prepare(file)).rejects.toMatchObject({
      faults: [
        {
          code: 'data/token-out-of-vocabulary',
          line: 2,
          field: 'input_ids',
          message: expect.stringContaining('70000'),
        },
      ],
    });
  });

  it('collects the labels of a classifier, sorted, and checks given ones', async () => {
    const rows = ['b', 'a', 'c', 'a'].map((label, index) => ({ text: `text ${index}`, label }));
    const file = await place.write('classes.jsonl', toJsonl(rows));
    const classifier = { taskType: 'SEQ_CLS', data: { eval_fraction: 0 } } as const;
    const prepared = await prepare(file, classifier);
    expect(prepared).toMatchObject({ labels: ['a', 'b', 'c'], problemType: 'single_label_classification' });
    expect(prepared.train.map(({ target }) => target)).toEqual([1, 0, 2, 0]);
    expect(prepared.report.labels).toEqual([
      { name: 'a', rows: 2 },
      { name: 'b', rows: 1 },
      { name: 'c', rows: 1 },
    ]);
    expect((await prepare(file, { ...classifier, labels: ['c', 'b', 'a'] })).train[0]!.target).toBe(1);
    await expect(prepare(file, { ...classifier, labels: ['a', 'b'] })).rejects.toMatchObject({
      faults: [{ code: 'data/unknown-label', line: 3 }],
    });
  });

  it('says when the answers end with a token that stops nothing', async () => {
    const { report } = await prepare(await place.write('stop.jsonl', toJsonl(PAIRS)));
    expect(report.notices).toContainEqual(expect.objectContaining({ code: 'data/turn-end-is-no-stop-token' }));
  });

  it('ends when it is told to', async () => {
    const file = await place.write('abort.jsonl', toJsonl(PAIRS));
    await expect(prepare(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'Interrupted' });
  });
});

describe('inspectData', () => {
  it('needs no tokenizer', async () => {
    const rows = [
      ...PAIRS.map(({ prompt, completion }) => ({
        messages: [
          { role: 'user', content: prompt },
          { role: 'assistant', content: completion },
        ],
      })),
      {
        messages: [
          { role: 'assistant', content: 'first' },
          { role: 'user', content: 'second' },
        ],
      },
      { messages: [{ role: 'user', content: 'no answer' }] },
      {
        messages: [
          { role: 'user', content: ' ' },
          { role: 'assistant', content: 'x' },
        ],
      },
    ];
    const file = await place.write('inspect.jsonl', toJsonl(rows));
    const report = await inspectData({ train: [file] });
    expect(report).toMatchObject({
      rows: 20,
      bad_rows: 3,
      fault_count: 3,
      fault_counts: { 'data/role-order': 1, 'data/no-assistant': 1, 'data/empty-message': 1 },
      role_order: { count: 2, examples: [{ line: 21 }, { line: 22 }] },
      empty: { count: 1, examples: [{ line: 23 }] },
      tokens: null,
    });
    expect(report.samples).toHaveLength(3);
    expect(report.samples[0]!.spans).toEqual([
      { text: 'user: question 0\n', trained: false },
      { text: 'assistant: answer 0\n', trained: true },
    ]);
  });

  it('counts tokens with one', async () => {
    const file = await place.write('tokens.jsonl', toJsonl(PAIRS));
    const { tokens } = await inspectData({ train: [file], tokenizer, maxLength: 64 });
    expect(tokens!.histogram.reduce((sum, bucket) => sum + bucket.rows, 0)).toBe(20);
    expect(tokens!.longest).toBeGreaterThanOrEqual(tokens!.mean);
    expect(tokens!.supervised).toBeGreaterThan(0);
    expect(tokens).toMatchObject({ length_of: 'row', total: tokens!.mean * 20 });
  });

  it('counts source and answer of an encoder-decoder, whose length is the longer of them', async () => {
    const rows = [
      { input_ids: [3, 4, 5, 6, 7], labels: [8, 9] },
      { input_ids: [3], labels: [4, 5, 6, 7, 8, 9, 10] },
    ];
    const file = await place.write('pairs.jsonl', toJsonl(rows));
    const report = await inspectData({ train: [file], tokenizer, taskType: 'SEQ_2_SEQ_LM', maxLength: 6 });
    expect(report.tokens).toMatchObject({
      ...{ total: 15, supervised: 8, length_of: 'longer_part', longest: 7, mean: 6 },
      histogram: [{ from: 0, to: 16, rows: 2 }],
    });
    expect(report.truncated).toMatchObject({
      count: 1,
      examples: [{ line: 2, text: expect.stringMatching(/^7 tokens/) }],
    });
  });

  it('goes on after a file that cannot be read', async () => {
    const file = await place.write('good.jsonl', toJsonl(PAIRS));
    const report = await inspectData({ train: ['nowhere.csv', file], eval: [file] });
    expect(report.files).toMatchObject([
      { type: null, rows: 0 },
      { rows: 20, role: 'train' },
      { rows: 20, role: 'eval' },
    ]);
    expect(report.overlap.count).toBe(20);
    expect(report.faults).toMatchObject([{ code: 'data/missing-file' }]);
  });
});
