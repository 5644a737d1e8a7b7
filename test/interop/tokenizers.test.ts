/**
 * @file Token ids and chat texts against transformers', from the same tokenizer folders: five kinds made here, and the sample model's.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../src-main/engine/tokenizer/tokenizer.ts';
import { REPO_ROOT } from './support/cli.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { randomInts } from './support/random.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const KINDS = ['byte_level_bpe', 'word_piece', 'unigram', 't5', 'unigram_bytes', 'sample'] as const;
const TEXT_COUNT = 500;

interface Encoded {
  readonly with_specials: number[][];
  readonly plain: number[][];
  readonly decoded: string[];
}
interface Rendered {
  readonly whole: string[];
  readonly prompt: string[];
}

const folder = makeWorkFolder('tokenizers');
const folderOf = (kind: string): string =>
  kind === 'sample' ? path.join(REPO_ROOT, 'resources', 'sample-model') : path.join(folder, kind);
const results = new Map<string, { encoded: Encoded; rendered: Rendered }>();
const texts = makeTexts();
const chats = makeChats();

beforeAll(async () => {
  const made = KINDS.filter((kind) => kind !== 'sample');
  const answers = await runReference(folder, [
    ...made.map((kind) => ({ op: 'make_tokenizer', folder: folderOf(kind), kind })),
    ...KINDS.flatMap((kind) => [
      { op: 'encode_texts', folder: folderOf(kind), texts },
      { op: 'render_chats', folder: folderOf(kind), chats },
    ]),
  ]);
  KINDS.forEach((kind, index) => {
    const [encoded, rendered] = answers.slice(made.length + index * 2) as unknown as [Encoded, Rendered];
    results.set(kind, { encoded, rendered });
  });
}, REFERENCE_TIMEOUT_MS);

describe.each(KINDS)('%s', (kind) => {
  test('ids with and without special tokens, and the text back', async () => {
    const { encoded } = results.get(kind)!;
    const tokenizer = await loadTokenizer(folderOf(kind));
    const ids = (addSpecialTokens: boolean) => texts.map((text) => [...tokenizer.encode(text, { addSpecialTokens })]);
    const plain = ids(false);
    expect(plain).toEqual(encoded.plain);
    expect(ids(true)).toEqual(encoded.with_specials);
    expect(plain.map((row) => tokenizer.decode(row, { skipSpecialTokens: true }))).toEqual(encoded.decoded);
  });

  test('chat texts, whole and with the prompt for an answer', async () => {
    const { rendered } = results.get(kind)!;
    const tokenizer = await loadTokenizer(folderOf(kind));
    expect(chats.map((chat) => tokenizer.renderChat(chat))).toEqual(rendered.whole);
    expect(chats.map((chat) => tokenizer.renderChat(chat, { addGenerationPrompt: true }))).toEqual(rendered.prompt);
  });
});

/** Words, numbers, code, scripts, emoji with joiners, white space of all kinds, control characters, and a long one. */
function makeTexts(): string[] {
  const next = randomInts(11);
  const rows = readFileSync(path.join(REPO_ROOT, 'resources', 'sample-data', 'train.jsonl'), 'utf8').split('\n');
  const pieces = [
    ...[
      'the river',
      'Stone-window',
      "don't",
      'naïve café',
      'Zürich',
      'ﬁne',
      '  two  spaces',
      '\ttab',
      'line\nbreak',
      '\r\n',
    ],
    ...[
      'Привет мир',
      '東京タワー',
      'こんにちは',
      'مرحبا بالعالم',
      'हिन्दी',
      '한국어',
      '😀',
      '👩‍👩‍👧',
      '🇳🇴',
      'e\u0301',
      '\u200b',
      '\u00a0',
    ],
    ...[
      'for (let i = 0; i < n; i++) {',
      '}',
      '{"a": [1, 2.5e-3]}',
      '</s>',
      '<pad>',
      '<|im_end|>',
      '1234567890',
      '3.14159',
      '-42',
      '%',
    ],
    ...[
      '\u0007',
      '\u001b[0m',
      '\ufeff',
      '...',
      '!!!',
      '«»',
      '“quoted”',
      'ABCdef',
      'x'.repeat(40),
      '_snake_case',
      'https://a.b/c?d=e',
    ],
  ];
  const fixed = ['', ' ', 'a', 'x'.repeat(3000), ...pieces];
  const mixed = Array.from({ length: TEXT_COUNT - fixed.length - 60 }, () =>
    Array.from({ length: 1 + next(8) }, () => pieces[next(pieces.length)]!).join(next(3) === 0 ? '' : ' '),
  );
  return [...fixed, ...mixed, ...rows.slice(0, 60).map((row) => row.slice(0, 200))];
}

function makeChats() {
  const user = (content: string) => ({ role: 'user', content });
  const assistant = (content: string) => ({ role: 'assistant', content });
  return [
    [user('hello')],
    [user('  spaces  '), assistant(' answer\n')],
    [user('Wie geht’s?'), assistant('Gut 😀.'), user('東京\n\n?')],
    [user('<s> in the text'), assistant('{"json": true}'), user(''), assistant('ok')],
  ];
}
