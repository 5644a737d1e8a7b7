import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { textOf } from '../../../scripts/sample/corpus/corpus.ts';
import { makeSampleResources } from '../../../scripts/sample/resources.ts';
import { inspectData } from '../../../src-main/engine/data/inspect.ts';
import { prepareData } from '../../../src-main/engine/data/prepare.ts';
import { loadTokenizer, type Tokenizer } from '../../../src-main/engine/tokenizer/tokenizer.ts';

const RESOURCES = path.resolve(import.meta.dirname, '../../../resources');
const DATA = path.join(RESOURCES, 'sample-data');
const [TRAIN, TEST, TICKETS] = ['train.jsonl', 'test.jsonl', 'tickets.csv'].map((name) => path.join(DATA, name)) as [
  string,
  string,
  string,
];
const PLAIN = { addSpecialTokens: false };
const OPTIONS = {
  eval_fraction: 0,
  format: 'auto',
  columns: {},
  template: null,
  max_length: 128,
  completion_only_loss: true,
} as const;

const made = makeSampleResources();
const rows = [...made.task.train, ...made.task.test];
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer(path.join(RESOURCES, 'sample-model'));
});

const count = (text: string) => tokenizer.encode(text, PLAIN).length;
const show = (ids: ArrayLike<number>) => tokenizer.decode(ids, { skipSpecialTokens: false });

describe('the sample tokenizer', () => {
  it('has 2048 tokens and knows where an answer ends', () => {
    expect(tokenizer.vocabSize).toBe(2048);
    expect(tokenizer.eosTokenIds.map((id) => tokenizer.idToToken(id))).toEqual(['<|im_end|>']);
    expect([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.padTokenId]).toEqual([0, 2, 3]);
    expect([...tokenizer.specialPrefix, ...tokenizer.specialSuffix]).toEqual([]);
  });

  it('gives back what it was given', () => {
    const corpus = [...made.corpus.texts, ...made.corpus.conversations].slice(0, 500).map(textOf);
    const foreign = ['Grüße aus Köln: 3½ €', '東京 🙂\r\n\ttab', '', ' two  spaces ', '1234567', "don't I'LL"];
    for (const text of [...rows.flatMap(({ message, answer }) => [message, answer]), ...corpus, ...foreign]) {
      expect(show(tokenizer.encode(text, PLAIN))).toBe(text);
    }
  });

  it('writes messages and answers of the task in few tokens', () => {
    expect(Math.max(...rows.map(({ message }) => count(message)))).toBeLessThan(45);
    expect(Math.max(...rows.map(({ answer }) => count(answer)))).toBeLessThan(25);
  });

  it('uses no token in an answer that pre-training does not meet', () => {
    const met = new Map<number, number>();
    for (const row of [...made.corpus.conversations, ...made.corpus.texts]) {
      for (const id of tokenizer.encode(textOf(row), PLAIN)) met.set(id, (met.get(id) ?? 0) + 1);
    }
    const needed = new Set(rows.flatMap(({ answer }) => [...tokenizer.encode(answer, PLAIN)]));
    const rare = [...needed].filter((id) => (met.get(id) ?? 0) < 50).map((id) => tokenizer.idToToken(id));
    expect(rare).toEqual([]);
  });

  it('renders a conversation as ChatML', () => {
    const messages = [{ role: 'user', content: 'Hi' }];
    expect(tokenizer.renderChat(messages, { addGenerationPrompt: true })).toBe(
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
  });
});

describe('the sample data in the engine', () => {
  it('trains each answer with the token that ends it, and nothing else', async () => {
    const prepared = await prepareData({
      data: { ...OPTIONS, train: [TRAIN], eval: [TEST] },
      taskType: 'CAUSAL_LM',
      tokenizer,
      vocabSize: tokenizer.vocabSize,
      seed: 1,
      now: new Date(0),
    });
    expect([prepared.train.length, prepared.eval.length]).toEqual([560, 120]);
    expect(prepared.report.notices).toEqual([]);
    const spans = prepared.train.map(({ labels }) => show(labels.filter((label) => label >= 0)));
    expect(spans).toEqual(made.task.train.map(({ answer }) => `${answer}<|im_end|>`));
  });

  it.each([
    ['train.jsonl', TRAIN, 'messages', 560],
    ['test.jsonl', TEST, 'messages', 120],
    ['tickets.csv', TICKETS, 'classification', 680],
  ])('reads %s without a fault', async (_, file, format, count) => {
    const report = await inspectData({ train: [file], tokenizer });
    expect(report.faults).toEqual([]);
    expect(report.files.map((entry) => [entry.format, entry.rows])).toEqual([[format, count]]);
  });

  it.each([
    ['tickets.csv', TICKETS],
    ['train.jsonl', TRAIN],
  ])('takes %s for a classifier of eight intents', async (_, file) => {
    const prepared = await prepareData({
      data: { ...OPTIONS, train: [file], eval: null },
      taskType: 'SEQ_CLS',
      tokenizer,
      vocabSize: tokenizer.vocabSize,
      seed: 1,
      now: new Date(0),
    });
    expect(prepared.labels).toEqual('cancel exchange invoice order refund repair stock track'.split(' '));
  });
});
