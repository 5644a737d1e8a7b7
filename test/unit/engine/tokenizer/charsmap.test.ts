/**
 * @file SentencePiece's normalization tables against Hugging Face's tokenizers (test/golden/make/charsmap.py): equal texts.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { makeCharsmapNormalizer } from '../../../../src-main/engine/tokenizer/charsmap.ts';

const FIXTURE = new URL('../../../golden/fixtures/charsmap.json', import.meta.url);
const { charsmap, cases } = JSON.parse(readFileSync(FIXTURE, 'utf8')) as {
  charsmap: string;
  cases: [text: string, normalized: string][];
};
const normalize = makeCharsmapNormalizer(charsmap);

it('replaces as the tokenizers do: letters with marks, joined emoji, line ends, a table of its own', () => {
  expect(cases.filter(([text, normalized]) => text !== normalized).length).toBeGreaterThan(400);
  for (const [text, normalized] of cases) expect(normalize(text), JSON.stringify(text)).toBe(normalized);
});

it('refuses a table that is cut off', () => {
  const bytes = Buffer.from(charsmap, 'base64');
  for (const end of [0, 3, 4, 100]) {
    const cut = bytes.subarray(0, end).toString('base64');
    expect(() => makeCharsmapNormalizer(cut)).toThrow('its precompiled_charsmap is cut off');
  }
});
