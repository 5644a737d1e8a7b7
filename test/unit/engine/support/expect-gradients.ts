/**
 * @file The expectation behind every gradient test: 1e-3 relative to finite differences, a slope that is not zero, nothing left behind.
 */
import { expect } from 'vitest';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { type InputOptions, measureGradients, type Program } from './gradient-check.ts';

const TOLERANCE = 1e-3;

export interface GradientCase {
  readonly title: string;
  readonly inputs: Readonly<Record<string, InputOptions>>;
  readonly run: Program;
}

export function expectGradients(binding: TensorFlowBinding, { inputs, run }: GradientCase): void {
  const before = binding.getNumOfTensors();
  for (const { input, error, scale } of measureGradients(binding, inputs, run)) {
    expect(scale, `slope along ${input}`).toBeGreaterThan(1e-2);
    expect(error, `gradient of ${input}`).toBeLessThan(TOLERANCE);
  }
  expect(binding.getNumOfTensors()).toBe(before);
}
