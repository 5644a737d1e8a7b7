import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStreamDecoder } from '../../../../src-main/engine/tokenizer/stream-decoder.ts';
import { loadTokenizer } from '../../../../src-main/engine/tokenizer/tokenizer.ts';
import {
  byteLevelTokenizer,
  CHAT_TEMPLATE,
  unigramTokenizer,
  wordPieceTokenizer,
  writeTokenizerFolder,
} from './fixtures.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'tokenizer-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const PLAIN = { addSpecialTokens: false };
const FULL = { addSpecialTokens: true };
const TEXTS = ['hello world', '  two  spaces ', 'é 東京 😀 👩‍👩‍👧', 'a\n\n\tb', '<s>hello</s>', ''];

describe('byte-level BPE', () => {
  it('merges words and gives every text back', async () => {
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir));
    const hello = tokenizer.tokenToId('hello')!;
    const world = tokenizer.tokenToId('Ġworld')!;
    expect([...tokenizer.encode('hello world', FULL)]).toEqual([0, hello, world]);
    expect([...tokenizer.specialPrefix]).toEqual([0]);
    expect([...tokenizer.specialSuffix]).toEqual([]);
    for (const text of TEXTS) {
      expect(tokenizer.decode(tokenizer.encode(text, PLAIN), { skipSpecialTokens: false })).toBe(text);
    }
  });

  it('knows its special tokens and skips them on request', async () => {
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir));
    expect(tokenizer).toMatchObject({
      bosTokenId: 0,
      eosTokenId: 1,
      padTokenId: 2,
      unkTokenId: null,
      eosTokenIds: [1],
    });
    expect(tokenizer.isSpecial(3)).toBe(true);
    expect(tokenizer.isSpecial(5)).toBe(false);
    const ids = tokenizer.encode('<s>ok</s>', PLAIN);
    expect([...ids]).toEqual([0, tokenizer.tokenToId('ok'), 1]);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('ok');
    expect(tokenizer.decode([...ids, 999_999], { skipSpecialTokens: true })).toBe('ok');
    expect(tokenizer.decode([], { skipSpecialTokens: true })).toBe('');
  });
});

describe('WordPiece and Unigram', () => {
  it('puts [CLS] and [SEP] around a text and splits words', async () => {
    const config = { cls_token: '[CLS]', sep_token: '[SEP]', pad_token: '[PAD]', unk_token: '[UNK]' };
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir, { tokenizer: wordPieceTokenizer(), config }));
    expect([...tokenizer.encode('Hello worlds xyz!', FULL)]).toEqual([2, 4, 5, 6, 1, 9, 3]);
    expect([...tokenizer.specialPrefix, ...tokenizer.specialSuffix]).toEqual([2, 3]);
    expect(tokenizer.decode([4, 5, 6, 9], { skipSpecialTokens: true })).toBe('hello worlds !');
    // Named special tokens are special although tokenizer.json does not list them.
    expect([...tokenizer.encode('[CLS]', PLAIN)]).toEqual([2]);
  });

  it('cleans spaces up only where the file says so', async () => {
    const config = { unk_token: '[UNK]', clean_up_tokenization_spaces: true };
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir, { tokenizer: wordPieceTokenizer(), config }));
    expect(tokenizer.decode([4, 9], { skipSpecialTokens: true })).toBe('hello!');
  });

  it('reads Unigram pieces with a leading space', async () => {
    const config = { eos_token: '</s>', pad_token: '<pad>', unk_token: '<unk>' };
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir, { tokenizer: unigramTokenizer(), config }));
    expect([...tokenizer.encode('hello worlds', FULL)]).toEqual([3, 4, 13, 1]);
    expect(tokenizer.decode([3, 4, 13, 1], { skipSpecialTokens: true })).toBe('hello worlds');
  });
});

describe('files beside tokenizer.json', () => {
  it('takes flags and new tokens from tokenizer_config.json', async () => {
    const config = {
      eos_token: { content: '</s>', lstrip: false },
      pad_token: '<|new|>',
      added_tokens_decoder: { '1': { content: '</s>', special: false }, '2': { content: '<pad>', special: false } },
    };
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir, { config }));
    expect(tokenizer.isSpecial(2)).toBe(false);
    expect(tokenizer.isSpecial(1)).toBe(true);
    expect(tokenizer.padTokenId).toBe(tokenizer.vocabSize - 1);
    expect([...tokenizer.encode('<|new|>', PLAIN)]).toEqual([tokenizer.vocabSize - 1]);
  });

  it('gathers every stop token', async () => {
    const files = { 'generation_config.json': { eos_token_id: [4, 1] }, 'config.json': { eos_token_id: 2 } };
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir, { files }));
    expect(tokenizer.eosTokenIds).toEqual([1, 4, 2]);
    const bare = await loadTokenizer(await writeTokenizerFolder(dir, { config: {}, files }));
    expect(bare.eosTokenId).toBe(4);
  });
});

describe('chat templates', () => {
  const CHAT = [
    { role: 'user', content: ' hello ' },
    { role: 'assistant', content: 'ok' },
  ];
  const TEXT = '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\nok<|im_end|>\n';

  it('come from tokenizer_config.json, from a list of names, or from a file that wins', async () => {
    const plain = await loadTokenizer(await writeTokenizerFolder(dir));
    expect(plain.chatTemplate).toBe(CHAT_TEMPLATE);
    expect(plain.renderChat(CHAT)).toBe(TEXT);
    expect(plain.renderChat(CHAT, { addGenerationPrompt: true })).toBe(`${TEXT}<|im_start|>assistant\n`);
    const list = [
      { name: 'default', template: CHAT_TEMPLATE },
      { name: 'tool_use', template: '{{ tools | length }} tools' },
    ];
    const named = await loadTokenizer(await writeTokenizerFolder(dir, { config: { chat_template: list } }));
    expect(named.renderChat(CHAT)).toBe(TEXT);
    expect(named.renderChat(CHAT, { tools: [{}, {}] })).toBe('2 tools');
    const files = { 'chat_template.jinja': 'file: {{ messages[0].content }}' };
    const fromFile = await loadTokenizer(await writeTokenizerFolder(dir, { files }));
    expect(fromFile.renderChat(CHAT)).toBe('file:  hello ');
    expect(fromFile.renderChat(CHAT, { template: 'own {{ bos_token }}{{ eos_token }}' })).toBe('own <s></s>');
  });

  it('see only the clock they are given', async () => {
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir));
    const now = new Date(2031, 6, 4, 9, 5);
    const template = "{{ strftime_now('%d %b %Y %B %H:%M %%') }}";
    expect(tokenizer.renderChat(CHAT, { template, now })).toBe('04 Jul 2031 July 09:05 %');
  });

  it('end where they run in circles, and where they grow without end', async () => {
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir));
    const loop = '{% for a in range(90000) %}{% for b in range(90000) %}{{ b }}{% endfor %}{% endfor %}';
    expect(() => tokenizer.renderChat(CHAT, { template: loop, limitMs: 50 })).toThrow(
      'had not rendered one conversation',
    );
    const doubling =
      "{% set ns = namespace(s='xxxx') %}{% for i in range(N) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}";
    for (const [times, reason] of [
      ['24', /it renders 67 million characters/],
      ['60', /Invalid string length/],
    ] as const) {
      expect(() => tokenizer.renderChat(CHAT, { template: doubling.replace('N', times) })).toThrow(reason);
    }
  });

  it('are refused by name of the fault', async () => {
    const none = await loadTokenizer(await writeTokenizerFolder(dir, { config: {} }));
    expect(none.chatTemplate).toBeNull();
    expect(() => none.renderChat(CHAT)).toThrow(expect.objectContaining({ code: 'chat-template/missing' }));
    expect(() => none.renderChat(CHAT, { template: '{% if %}' })).toThrow(
      expect.objectContaining({ code: 'chat-template/syntax' }),
    );
    expect(() => none.renderChat(CHAT, { template: "{{ raise_exception('no system role') }}" })).toThrow(
      expect.objectContaining({ code: 'chat-template/refused', message: expect.stringContaining('no system role') }),
    );
    expect(() => none.renderChat(CHAT, { template: '{% for i in range(10 ** 9) %}x{% endfor %}' })).toThrow(
      expect.objectContaining({ code: 'chat-template/refused' }),
    );
  });
});

describe('faults', () => {
  it('names the folder and the fix where tokenizer.json is missing', async () => {
    await expect(loadTokenizer(path.join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'tokenizer/missing' });
    await expect(loadTokenizer(dir)).rejects.toMatchObject({
      code: 'tokenizer/missing',
      message: expect.stringContaining(dir),
    });
    await writeFile(path.join(dir, 'tokenizer.model'), 'spm');
    await expect(loadTokenizer(dir)).rejects.toMatchObject({
      message: expect.stringContaining('SentencePiece'),
      hint: expect.stringContaining('save_pretrained'),
    });
  });

  it('names the damaged file', async () => {
    await writeTokenizerFolder(dir);
    await writeFile(path.join(dir, 'tokenizer_config.json'), '{"a": ');
    await expect(loadTokenizer(dir)).rejects.toMatchObject({
      code: 'tokenizer/corrupt',
      message: expect.stringContaining('tokenizer_config.json'),
    });
    await writeTokenizerFolder(dir, { tokenizer: { ...byteLevelTokenizer(), model: { type: 'Magic' } } });
    await expect(loadTokenizer(dir)).rejects.toMatchObject({ code: 'tokenizer/unsupported' });
  });
});

describe('streaming', () => {
  it('gives whole characters only, and in the end the whole text', async () => {
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir));
    for (const text of TEXTS.filter((entry) => !entry.includes('<s>'))) {
      const stream = createStreamDecoder(tokenizer);
      const parts = [...tokenizer.encode(text, PLAIN)].map((id) => stream.push(id));
      expect(parts.join('')).not.toContain('\uFFFD');
      expect(parts.join('') + stream.flush()).toBe(text);
    }
  });

  it('gives out broken bytes at the end instead of losing them', async () => {
    const tokenizer = await loadTokenizer(await writeTokenizerFolder(dir));
    const stream = createStreamDecoder(tokenizer);
    const [first] = tokenizer.encode('😀', PLAIN);
    expect(stream.push(first!)).toBe('');
    expect(stream.push(1)).toBe('');
    expect(stream.flush()).toBe('\uFFFD');
    expect(stream.flush()).toBe('');
  });
});
