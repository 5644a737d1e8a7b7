/**
 * @file Tokens hidden from a masked language model: how many, as what, and always the same ones for a seed and a text.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maskTokens } from '../../../../src-main/engine/data/mask-tokens.ts';
import { tokenizeMasked } from '../../../../src-main/engine/data/tokenize-masked.ts';
import { IGNORED_LABEL } from '../../../../src-main/engine/data/types.ts';
import { loadTokenizer, type Tokenizer } from '../../../../src-main/engine/tokenizer/tokenizer.ts';
import { wordPieceTokenizer, writeTokenizerFolder } from '../tokenizer/fixtures.ts';
import { makeWorkplace, type Workplace } from './files.ts';

const MASK = 3;
const VOCAB = 1000;
const isSpecial = (id: number): boolean => id < 4;
const hide = (ids: Int32Array, seed = 1, stream = 1) =>
  maskTokens(ids, { maskTokenId: MASK, vocabSize: VOCAB, isSpecial, seed, stream });
const long = Int32Array.from({ length: 20_000 }, (_, index) => (index % 10 === 0 ? 2 : 4 + (index % 900)));

describe('hidden tokens', () => {
  it('are 15 % of those that are not special; 80 % masked, 10 % replaced, 10 % left', () => {
    const { inputIds, labels } = hide(long);
    const chosen = [...labels.keys()].filter((index) => labels[index] !== IGNORED_LABEL);
    expect(chosen.length / 18_000).toBeCloseTo(0.15, 2);
    const share = (isCounted: (index: number) => boolean): number => chosen.filter(isCounted).length / chosen.length;
    expect(share((index) => inputIds[index] === MASK)).toBeCloseTo(0.8, 1);
    expect(share((index) => inputIds[index] === long[index])).toBeCloseTo(0.1, 1);
    for (const index of chosen) expect(labels[index]).toBe(long[index]);
    expect(chosen.some((index) => isSpecial(long[index]!))).toBe(false);
    const left = [...labels.keys()].filter((index) => labels[index] === IGNORED_LABEL);
    expect(left.every((index) => inputIds[index] === long[index])).toBe(true);
  });

  it('follow from seed and text alone', () => {
    expect(hide(long)).toEqual(hide(long));
    expect(hide(long, 2).labels).not.toEqual(hide(long).labels);
    expect(hide(long, 1, 2).labels).not.toEqual(hide(long).labels);
  });

  it('are one at least where there is a token to hide', () => {
    for (let stream = 0; stream < 50; stream++) {
      const { labels } = hide(Int32Array.of(2, 700, 2), 1, stream);
      expect([...labels]).toEqual([IGNORED_LABEL, 700, IGNORED_LABEL]);
    }
    expect([...hide(Int32Array.of(2, 2)).labels]).toEqual([IGNORED_LABEL, IGNORED_LABEL]);
  });
});

describe('rows', () => {
  let place: Workplace;
  let bert: Tokenizer;
  let bare: Tokenizer;
  const SOURCE = { file: 'x.jsonl', line: 1 };
  beforeAll(async () => {
    place = await makeWorkplace();
    const names = { cls_token: '[CLS]', sep_token: '[SEP]', unk_token: '[UNK]' };
    const load = async (name: string, config: Readonly<Record<string, unknown>>) =>
      loadTokenizer(await writeTokenizerFolder(`${place.dir}/${name}`, { tokenizer: wordPieceTokenizer(), config }));
    bert = await load('bert', { ...names, mask_token: 'cls' });
    bare = await load('bare', names);
  });
  afterAll(() => place.remove());
  const contextOf = (tokenizer: Tokenizer) => ({ tokenizer, maxLength: 6, vocabSize: 13, seed: 1 });

  it('of text are hidden inside their special tokens and cut', () => {
    const example = { kind: 'text', text: 'hello world hello world hello world' } as const;
    const { tokenized, fullLength, supervised } = tokenizeMasked(example, SOURCE, contextOf(bert));
    expect(tokenized.inputIds).toHaveLength(6);
    expect([tokenized.inputIds[0], tokenized.inputIds[5]]).toEqual([2, 3]);
    expect(fullLength).toBe(8);
    expect(supervised).toBeGreaterThan(0);
    expect(() => tokenizeMasked(example, SOURCE, contextOf(bare))).toThrow('no mask token');
  });

  it('of token ids keep the masks that they come with', () => {
    const example = { kind: 'tokens', inputIds: [2, 12, 5, 3], labels: [-100, 4, -100, -100] } as const;
    const { tokenized, supervised } = tokenizeMasked(example, SOURCE, contextOf(bare));
    expect([[...tokenized.inputIds], [...tokenized.labels], supervised]).toEqual([example.inputIds, example.labels, 1]);
    const wrong = (changes: object) => () => tokenizeMasked({ ...example, ...changes }, SOURCE, contextOf(bare));
    expect(wrong({ labels: [-100, 4] })).toThrow('2 labels stand against 4 input_ids');
    expect(wrong({ labels: [-100, 13, -100, -100] })).toThrow('token id 13 at position 2 is outside the vocabulary');
  });

  it('of token ids without labels are hidden like texts', () => {
    const example = { kind: 'tokens', inputIds: [2, 4, 5, 3], labels: null } as const;
    const { supervised } = tokenizeMasked(example, SOURCE, contextOf(bert));
    expect(supervised).toBeGreaterThan(0);
  });
});
