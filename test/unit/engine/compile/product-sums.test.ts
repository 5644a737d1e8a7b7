/**
 * @file Whether a product may add something itself is asked of the machine, not guessed: oneDNN held to what a processor without AVX-512 has.
 */
import { beforeAll, expect, it } from 'vitest';
import { productSumDTypes } from '../../../../src-main/engine/compile/product-sums.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { openBinding } from '../support/open-binding.ts';

let binding: TensorFlowBinding;
beforeAll(async () => {
  process.env['ONEDNN_MAX_CPU_ISA'] = 'AVX2';
  binding = await openBinding();
});

it('is asked for each dtype, once, and leaves nothing behind', () => {
  const alive = binding.getNumOfTensors();
  const dtypes = productSumDTypes(binding);
  expect([...dtypes]).toEqual(process.arch === 'x64' ? ['float32'] : []);
  expect(productSumDTypes(binding)).toBe(dtypes);
  expect(binding.getNumOfTensors()).toBe(alive);
});
