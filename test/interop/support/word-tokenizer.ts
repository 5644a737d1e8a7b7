/**
 * @file A WordPiece tokenizer over a few made-up words, for models whose rows are texts.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

export const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** The words that `wordText` is made of. */
const wordOf = (index: number): string =>
  `word${String.fromCharCode(97 + (index % 26))}${String.fromCharCode(97 + Math.floor(index / 26))}`;

/** Texts of known words. @param ids below the number of words */
export function wordText(ids: readonly number[]): string {
  return ids.map(wordOf).join(' ');
}

/** Writes tokenizer.json with `size` entries in all. @param pad id of the padding token: 0 or 1 */
export function writeWordTokenizer(dir: string, size: number, pad = 0): void {
  const special = pad === 0 ? SPECIAL : ['[CLS]', '[PAD]', '[UNK]', '[SEP]', '[MASK]'];
  const words = Array.from({ length: size - special.length }, (_, index) => wordOf(index));
  const vocab = Object.fromEntries([...special, ...words].map((word, id) => [word, id]));
  const one = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
  const entry = (token: string) => [token, { id: token, ids: [vocab[token]], tokens: [token] }];
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content) => ({
      ...{ id: vocab[content], content, single_word: false, lstrip: false, rstrip: false },
      ...{ normalized: false, special: true },
    })),
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
      single: [one('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, one('[SEP]')],
      pair: [
        one('[CLS]'),
        { Sequence: { id: 'A', type_id: 0 } },
        one('[SEP]'),
        { Sequence: { id: 'B', type_id: 1 } },
        one('[SEP]'),
      ],
      special_tokens: Object.fromEntries(['[CLS]', '[SEP]'].map(entry)),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
      vocab,
    },
  };
  writeFileSync(path.join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
  const names = {
    pad_token: '[PAD]',
    unk_token: '[UNK]',
    cls_token: '[CLS]',
    sep_token: '[SEP]',
    mask_token: '[MASK]',
  };
  const config = { tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false, ...names };
  writeFileSync(path.join(dir, 'tokenizer_config.json'), JSON.stringify(config));
}
