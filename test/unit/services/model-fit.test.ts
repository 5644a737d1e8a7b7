/** @file Whether a model fits: by its configuration or its size alone, on TensorFlow and on the wasm engine. */
import { describe, expect, it } from 'vitest';
import { guessFit, judgeFit } from '../../../src-main/services/model-fit.ts';
import { WASM_HEAP_BYTES } from '../../../src-shared/domain/memory-model.ts';
import { layeredLlama } from '../support/layered-llama.ts';

const GIGABYTE = 1e9;
const MUCH = { availableBytes: 64 * GIGABYTE, isWasm: false };
const WASM = { availableBytes: 64 * GIGABYTE, isWasm: true };

describe('on TensorFlow', () => {
  it('tells the widest storage that fits', async () => {
    expect(await judgeFit(layeredLlama(12), MUCH)).toMatchObject({ verdict: 'fits', precision: 'bf16' });
    expect(await judgeFit(layeredLlama(200), { ...MUCH, availableBytes: 5 * GIGABYTE })).toMatchObject({
      precision: 'nf4',
    });
    expect(await judgeFit(layeredLlama(12), { ...MUCH, availableBytes: GIGABYTE / 4 })).toMatchObject({
      verdict: 'too-much',
    });
    expect(guessFit(3e9, MUCH)).toMatchObject({ verdict: 'fits', precision: 'bf16' });
  });
});

describe('on the wasm engine', () => {
  it('all is computed in 32 bits', async () => {
    expect(await judgeFit(layeredLlama(2), WASM)).toMatchObject({ verdict: 'fits', precision: 'f32' });
    expect(guessFit(30e6, WASM)).toMatchObject({ verdict: 'fits', precision: 'f32' });
  });

  it('a model is too large by its parameters, whatever the machine has', async () => {
    const fit = await judgeFit(layeredLlama(16), WASM);
    expect(fit).toMatchObject({ verdict: 'too-much', limit: 'wasm' });
    expect(fit!.available_bytes).toBeLessThan(1.2 * WASM_HEAP_BYTES);
    expect(guessFit(1e9, WASM)).toMatchObject({ verdict: 'too-much', limit: 'wasm' });
  });

  it('a small machine is told as such', async () => {
    const fit = await judgeFit(layeredLlama(12), { ...WASM, availableBytes: GIGABYTE / 2 });
    expect(fit).toMatchObject({ verdict: 'too-much', available_bytes: GIGABYTE / 2 });
    expect(fit).not.toHaveProperty('limit');
  });
});
