/** @file Matrices to tick: one line a name, however many shapes have it. */
import { expect, it } from 'vitest';
import { attentionNames, listTargets } from '../../src-renderer/state/wizard/targets.ts';
import type { LinearGroup } from '../../src-shared/domain/models.ts';

const layers = [0, 1, 2];
const group = (name: string, in_features: number, out_features: number, where = layers): LinearGroup => ({
  ...{ name, in_features, out_features },
  layers: where,
});

it('BERT has matrices of three shapes that are called dense, which are not attention alone', () => {
  const bert = [
    ...['query', 'key', 'value', 'dense'].map((name) => group(name, 384, 384)),
    group('dense', 384, 1536),
    group('dense', 1536, 384),
    group('classifier', 384, 2, []),
  ];
  const targets = listTargets(bert);
  expect(targets.map(({ name }) => name)).toEqual(['query', 'key', 'value', 'dense']);
  expect(targets.at(-1)).toEqual({
    name: 'dense',
    count: 9,
    shapes: [
      [384, 384],
      [384, 1536],
      [1536, 384],
    ],
  });
  expect(attentionNames(targets)).toEqual(['query', 'key', 'value']);
});

it.each([
  [
    ['q_lin', 'k_lin', 'v_lin', 'out_lin'],
    ['lin1', 'lin2'],
  ],
  [
    ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
    ['gate_proj', 'up_proj', 'down_proj'],
  ],
  [
    ['query_key_value', 'dense'],
    ['dense_h_to_4h', 'dense_4h_to_h'],
  ],
  [
    ['q', 'k', 'v', 'o'],
    ['wi_0', 'wi_1', 'wo'],
  ],
])('%j are attention', (attention, others) => {
  const targets = listTargets([...attention, ...others].map((name) => group(name, 8, 8)));
  expect(attentionNames(targets)).toEqual(attention);
});
