/**
 * @file Small tokenizers made on the spot: byte-level BPE with a few merges, WordPiece and Unigram, written as Hugging Face folders.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Layout of many chat models: header, trimmed content, end-of-turn token. */
export const CHAT_TEMPLATE = [
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>\\n' }}{% endfor %}",
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
].join('');

const SPECIALS = ['<s>', '</s>', '<pad>', '<|im_start|>', '<|im_end|>'];
const WORDS = ['hello', 'world', 'assistant', 'user', 'system', 'ok'];

/** GPT-2's printable stand-in for each byte. */
export function byteAlphabet(): string[] {
  const printable = [
    [33, 126],
    [161, 172],
    [174, 255],
  ] as const;
  const isPrintable = (byte: number): boolean => printable.some(([low, high]) => byte >= low && byte <= high);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

/** Merges that build each word from the left: h e, he l, … */
function mergesOf(words: readonly string[]): string[] {
  const merges = words.flatMap((word) =>
    [...word].slice(1).map((letter, index) => `${word.slice(0, index + 1)} ${letter}`),
  );
  return [...new Set(merges)];
}

export function byteLevelTokenizer(words: readonly string[] = WORDS): Record<string, unknown> {
  const merges = [...mergesOf(words), ...words.map((word) => `Ġ ${word}`)];
  const pieces = [...SPECIALS, ...byteAlphabet(), ...merges.map((merge) => merge.replace(' ', ''))];
  return {
    version: '1.0',
    added_tokens: SPECIALS.map((content, id) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges,
    },
  };
}

export function wordPieceTokenizer(): Record<string, unknown> {
  const pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'hello', 'world', '##s', 'un', '##known', '!', '[', ']', 'cls'];
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    },
  };
}

export function unigramTokenizer(): Record<string, unknown> {
  const pieces = ['<pad>', '</s>', '<unk>', '▁hello', '▁world', '▁', 'h', 'e', 'l', 'o', 'w', 'r', 'd', 's'];
  return {
    version: '1.0',
    added_tokens: ['<pad>', '</s>', '<unk>'].map((content, id) => ({ id, content, special: true, normalized: false })),
    normalizer: { type: 'NFKC' },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
      pair: [],
      special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
    },
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    model: {
      type: 'Unigram',
      unk_id: 2,
      byte_fallback: false,
      vocab: pieces.map((piece, id) => [piece, id < 3 ? 0 : -2 - id / 10]),
    },
  };
}

export interface TokenizerFolderOptions {
  readonly tokenizer?: Record<string, unknown>;
  readonly config?: Record<string, unknown>;
  /** Further files: name -> content, objects as JSON. */
  readonly files?: Readonly<Record<string, unknown>>;
}

/** Writes a model folder with a byte-level tokenizer and a chat template, unless told otherwise. */
export async function writeTokenizerFolder(dir: string, options: TokenizerFolderOptions = {}): Promise<string> {
  const config = options.config ?? {
    bos_token: '<s>',
    eos_token: '</s>',
    pad_token: '<pad>',
    chat_template: CHAT_TEMPLATE,
  };
  const files = {
    'tokenizer.json': options.tokenizer ?? byteLevelTokenizer(),
    'tokenizer_config.json': config,
    ...options.files,
  };
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(dir, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
}
