/** @file What the wasm engine refuses, and what it says about it. */
import { expect, it } from 'vitest';
import { makeModel } from '../../../../src-main/engine/models/registry.ts';
import { requireWasmCan, requireWasmHeap, type WasmWork } from '../../../../src-main/engine/recipes/wasm-limits.ts';
import { AppError } from '../../../../src-shared/domain/app-error.ts';
import { layeredLlama } from '../../support/layered-llama.ts';

const modelOf = (layers: number) => makeModel(layeredLlama(layers));
const PLAIN = { method: 'none', double_quant: true } as const;

function faultsOf(work: Partial<WasmWork>): AppError | null {
  try {
    requireWasmCan({ model: modelOf(2), quantization: PLAIN, trained: 100_000, ...work });
    return null;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

it('takes f32 adapters on models up to 200 million parameters', () => {
  expect(faultsOf({})).toBeNull();
  expect(faultsOf({ model: modelOf(12) })).toBeNull();
});

it.each(['bf16', 'int8', 'nf4'] as const)('refuses %s', (method) => {
  const error = faultsOf({ quantization: { ...PLAIN, method } });
  expect(error).toMatchObject({ code: 'engine/wasm-limit', kind: 'environment' });
  expect(error?.message).toContain(method);
  expect(error?.hint).toContain('engine install');
});

it('refuses larger models and too many trained values, all reasons at once', () => {
  const error = faultsOf({ model: modelOf(16), trained: 60_000_000, quantization: { ...PLAIN, method: 'bf16' } });
  expect(error?.faults.map(({ field }) => field)).toEqual(['quantization.method', 'model.path', 'peft.peft_type']);
  expect(error?.message).toMatch(/238 million parameters.*200 million.*60\.0 million values.*30\.0 million/);
});

it('refuses steps beyond the 4 GB that it can address, with the settings that fit', () => {
  const figures = { runtime_bytes: 4e8, correction: 1.5, limit: 'wasm', proposal: null } as const;
  const proposal = { settings: { 'training.per_device_train_batch_size': 2 }, peak_bytes: 3e9 };
  // What Node itself takes lies beside the heap: 0.6 GB.
  expect(() => requireWasmHeap({ ...figures, peak_bytes: 4.8e9 })).not.toThrow();
  const refused = expect.objectContaining({
    code: 'engine/wasm-limit',
    message: expect.stringContaining('about 4.4 GB, and it can address 4.3 GB'),
    hint: expect.stringMatching(/^Use --set training.per_device_train_batch_size=2; or install TensorFlow/),
  });
  expect(() => requireWasmHeap({ ...figures, proposal, peak_bytes: 5e9 })).toThrow(refused);
  expect(() => requireWasmHeap({ ...figures, peak_bytes: 5e9 })).toThrow(/cannot do this/);
  const { limit: _limit, ...onTensorFlow } = figures;
  expect(() => requireWasmHeap({ ...onTensorFlow, peak_bytes: 5e9 })).not.toThrow();
});
