/**
 * @file The floating-point work of a step against a count by hand.
 */
import { describe, expect, it } from 'vitest';
import {
  countFlops,
  countMatrixValues,
  type ModelShape,
  parseBatchShape,
  RANK,
  stepProducts,
} from '../../bench/workloads.ts';

const SMALL: ModelShape = {
  vocab_size: 16,
  hidden_size: 4,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 32,
  tie_word_embeddings: true,
};

describe('the work of one LoRA step', () => {
  it('has the multiplications and additions that a hand count gives', () => {
    // One layer, 2 tokens. Inputs x outputs: q 4x4, k and v 4x2, o 4x4, gate and up 4x8, down 8x4: 144 in all.
    const forward = 2 * 2 * 144;
    // Nothing is trained below the first layer: no gradient into q, k and v, which leaves o, gate, up, down: 112.
    const backward = 2 * 2 * 112;
    // Inputs add up to 32, outputs too. x A, (x A) B, dY B, dA, dB; and (dY B) A into o, gate, up, down, whose inputs are 20.
    const adapters = 5 * 2 * 2 * 32 * RANK + 2 * 2 * 20 * RANK;
    const head = 2 * (2 * 2 * 4 * 16);
    // Two heads of width 2 over 2 x 2 places, six products.
    const attention = 6 * (2 * 2 * 2 * 2 * 2);
    expect(RANK).toBe(8);
    const flops = countFlops(stepProducts(SMALL, { batch: 1, seq: 2 }));
    expect(flops).toBe(forward + backward + adapters + head + attention);
    expect(flops).toBe(7488);
  });

  it('grows with rows in proportion, with length faster: attention is square', () => {
    const flops = (batch: number, seq: number) => countFlops(stepProducts(SMALL, { batch, seq }));
    expect(flops(3, 2)).toBe(3 * flops(1, 2));
    const attention = (seq: number) => 6 * 2 * 2 * seq * seq * 2;
    expect(flops(1, 8) - attention(8)).toBe(4 * (flops(1, 2) - attention(2)));
  });

  it('adds up equal products', () => {
    const products = stepProducts({ ...SMALL, num_hidden_layers: 5 }, { batch: 1, seq: 2 });
    const shapes = products.map(({ batch, m, k, n }) => [batch, m, k, n].join());
    expect(new Set(shapes).size).toBe(shapes.length);
    // k and v of five layers forward, and nothing else of that shape.
    expect(products.find(({ m, k, n }) => m === 2 && k === 4 && n === 2)?.count).toBe(10);
  });

  it('counts the values that a token is multiplied with', () => {
    expect(countMatrixValues(SMALL)).toBe(144 + 16 * 4);
    expect(countMatrixValues({ ...SMALL, num_hidden_layers: 3 })).toBe(3 * 144 + 16 * 4);
  });

  it('reads batch shapes and refuses others', () => {
    expect(parseBatchShape('16x64')).toEqual({ batch: 16, seq: 64 });
    expect(() => parseBatchShape('16 x 64')).toThrow('"16 x 64" is not a batch shape');
  });
});
