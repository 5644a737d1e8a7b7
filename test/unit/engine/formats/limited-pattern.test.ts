/**
 * @file Rank and alpha patterns of strangers' adapters: quick ones as ever, endless ones refused.
 */
import { expect, it } from 'vitest';
import { isQuick } from '../../../../src-main/engine/formats/limited-pattern.ts';
import { rankOf } from '../../../../src-main/engine/formats/peft-config.ts';

const MODULE = 'model.layers.11.self_attn.q_proj';

it.each([
  ['q_proj', 5],
  ['layers.1.self_attn.q_proj', 8],
  [String.raw`layers\.\d+\.self_attn\.(q|v)_proj`, 5],
  ['(?:layers.(?:1+)+.*)+', 5],
  ['(a+)+b', 8],
  ['q_proj[', 8],
])('%s gives rank %i', (pattern, rank) => {
  expect(rankOf({ r: 8, rank_pattern: { [pattern]: 5 } }, MODULE)).toBe(rank);
});

it('an endless one is refused', () => {
  const config = { r: 8, rank_pattern: { '(.*)*(.*)*(.*)*(.*)*z': 5 } };
  expect(() => rankOf(config, MODULE)).toThrow(expect.objectContaining({ code: 'peft/slow-pattern', kind: 'input' }));
});

it.each([
  ['q_proj', true],
  [String.raw`model\.layers\.\d+\..*`, true],
  ['(a+)+', false],
  ['[ab]+', false],
  ['.*.*.*.*', false],
])('%s is quick: %s', (pattern, quick) => expect(isQuick(pattern)).toBe(quick));
