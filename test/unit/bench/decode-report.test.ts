/**
 * @file The gate before the figures of decoding: equal tokens in f32, equal losses in both dtypes.
 */
import { describe, expect, it } from 'vitest';
import type { DecodeSample } from '../../bench/decode/arms.ts';
import { checkEqual, DECODE_TEXT, type DecodeResult, shareEqual } from '../../bench/decode/report.ts';

function result(
  side: DecodeResult['side'],
  dtype: DecodeResult['dtype'],
  tokens: readonly number[],
  settings: { readonly ms: number; readonly loss?: number },
): DecodeResult {
  const { ms, loss = 2 } = settings;
  const line = { batch: 1, prefillMs: ms, decodeMs: ms, totalMs: 2 * ms };
  const sample: DecodeSample = { lines: [line], evaluateMs: [ms], loss, tokens: [tokens], peakBytes: 1e9 };
  return { name: `${side} ${dtype}`, side, dtype, samples: [sample], void: null };
}

describe('the gate of decoding', () => {
  it('wants every token in f32 and tells the share in bf16', () => {
    const [, f32, , bf16] = checkEqual([
      result('theirs', 'f32', [1, 2, 3, 4], { ms: 10 }),
      result('ours', 'f32', [1, 2, 3, 5], { ms: 10 }),
      result('theirs', 'bf16', [1, 2, 3, 4], { ms: 10 }),
      result('ours', 'bf16', [1, 2, 3, 5], { ms: 10 }),
    ]);
    expect(f32!.void).toContain('only 75.0 % of the tokens');
    expect(bf16).toMatchObject({ void: null, equalTokens: 0.75 });
  });

  it('voids another evaluation loss', () => {
    const [, ours] = checkEqual([
      result('theirs', 'bf16', [1], { ms: 1, loss: 2 }),
      result('ours', 'bf16', [1], { ms: 1, loss: 2.1 }),
    ]);
    expect(ours!.void).toContain('evaluation loss 2.1');
  });

  it('counts missing tokens as different', () => {
    expect(shareEqual([1, 2], [1, 2, 3, 4])).toBe(0.5);
    expect(shareEqual([1, 2], [1, 2])).toBe(1);
  });
});

describe('the table of decoding', () => {
  it('gives tokens a second and the ratio to transformers', () => {
    const results = checkEqual([
      result('theirs', 'f32', [1, 2], { ms: 1000 }),
      result('ours', 'f32', [1, 2], { ms: 500 }),
    ]);
    const sizes = { batches: [1], promptTokens: 128, newTokens: 65, evaluatedTokens: 1000, rounds: 1 };
    const text = DECODE_TEXT.formatFigures({ model: 'tiny', ...sizes, results });
    const own = text.split('\n').find((line) => line.startsWith('| ours f32'));
    // 128 read and 64 written one by one in half a second each, 65 in a whole one; 1,000 evaluated in half a second.
    expect(own).toBe('| ours f32 | 256; 2.00 x | 128; 2.00 x | 65; 2.00 x | 2000; 2.00 x | 100.0 % | 1.00 |');
  });
});
