import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { INTENTS } from '../../../scripts/sample/ticket-phrases.ts';
import { byteAlphabet, trainBpe } from '../../../scripts/sample/bpe-trainer.ts';
import { textOf } from '../../../scripts/sample/corpus/corpus.ts';
import { makeSampleResources } from '../../../scripts/sample/resources.ts';

const RESOURCES = path.resolve(import.meta.dirname, '../../../resources');
const made = makeSampleResources();
const { train, test } = made.task;

describe('the shipped files', () => {
  const files = [
    ...[...made.dataFiles].map(([name, text]) => [`sample-data/${name}`, text]),
    ...[...made.modelFiles].map(([name, text]) => [`sample-model/${name}`, text]),
  ] as [name: string, text: string][];

  it.each(files)('%s is what the generator writes', (name, text) => {
    expect(readFileSync(path.join(RESOURCES, name), 'utf8') === text).toBe(true);
  });
});

describe('the sample task', () => {
  it('has no message twice, so training and held-out rows share none', () => {
    const messages = [...train, ...test].map(({ message }) => message);
    expect(new Set(messages).size).toBe(680);
    expect([train.length, test.length]).toEqual([560, 120]);
  });

  it.each(INTENTS)('has as many rows of %s as of the others', (intent) => {
    const count = (rows: typeof train) => rows.filter(({ label }) => label === intent).length;
    expect([count(train), count(test)]).toEqual([70, 15]);
  });

  it('asks for nothing that is not in the message', () => {
    for (const { message, answer, label } of [...train, ...test]) {
      const parts = /^intent: (\w+) \| item: (\w+ \w+) \| qty: (\d+) \| city: (\w+)$/.exec(answer);
      expect(parts, answer).not.toBeNull();
      const [, intent, item, quantity, city] = parts!;
      expect(intent).toBe(label);
      expect(message).toContain(city);
      expect(message.toLowerCase()).toContain(Number(quantity) === 1 ? item : `${item}s`);
    }
  });
});

describe('the pre-training corpus', () => {
  const rows = [...made.corpus.conversations, ...made.corpus.texts];
  const texts = rows.map(textOf);

  it('has no message of the task', () => {
    const reserved = new Set([...train, ...test].map(({ message }) => message));
    const turns = rows.flatMap((row) => ('messages' in row ? row.messages.map(({ content }) => content) : [row.text]));
    expect(turns.filter((turn) => reserved.has(turn.replace('A customer wrote: ', '').split('\n')[0]!))).toEqual([]);
  });

  it('does not know the form of the answers', () => {
    expect(texts.filter((text) => /\| (item|qty|city)|qty:|intent: \w+ \|/.test(text))).toEqual([]);
    for (const intent of INTENTS) expect(texts.some((text) => text.includes(`intent: ${intent}`))).toBe(false);
  });

  it('answers in whole sentences', () => {
    const answers = made.corpus.conversations.flatMap((row) =>
      'messages' in row ? row.messages.filter(({ role }) => role === 'assistant').map(({ content }) => content) : [],
    );
    expect(answers.filter((answer) => !/[.!?]$/.test(answer))).toEqual([]);
  });
});

describe('trainBpe', () => {
  it('joins the most frequent neighbours first and keeps digits apart', () => {
    const { vocab, merges } = trainBpe({
      texts: ['abab ab 1212', 'abab'],
      vocabSize: 1 + 256 + 2,
      specialTokens: ['<end>'],
    });
    expect(merges).toEqual([
      ['a', 'b'],
      ['ab', 'ab'],
    ]);
    expect(vocab['<end>']).toBe(0);
    expect(vocab['abab']).toBe(258);
    expect(Object.keys(vocab)).toHaveLength(259);
  });

  it('says when the texts are too few', () => {
    const train = () => trainBpe({ texts: ['ab'], vocabSize: 300, specialTokens: [] });
    expect(train).toThrow('too few words');
  });

  it('has a stand-in of its own for each byte', () => {
    const alphabet = byteAlphabet();
    expect(new Set(alphabet).size).toBe(256);
    expect([alphabet[0x20], alphabet[0x0a], alphabet[0x41], alphabet[0xad]]).toEqual(['Ġ', 'Ċ', 'A', 'Ń']);
  });
});
