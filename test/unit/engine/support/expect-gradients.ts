/**
 * @file The expectation behind every gradient test: 1e-3 relative to finite differences, a slope that is not zero, nothing left behind.
 */
import { expect } from 'vitest';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { type InputOptions, measureGradients, type Program } from './gradient-check.ts';

const TOLERANCE = 1e-3;

export interface GradientCase {
  readonly title: string;
  readonly inputs: Readonly<Record<string, InputOptions>>;
  readonly run: Program;
}

export function expectGradients(device: Device, { inputs, run }: GradientCase): void {
  const before = device.getNumOfTensors();
  for (const { input, error, scale } of measureGradients(device, inputs, run)) {
    expect(scale, `slope along ${input}`).toBeGreaterThan(1e-2);
    expect(error, `gradient of ${input}`).toBeLessThan(TOLERANCE);
  }
  expect(device.getNumOfTensors()).toBe(before);
}
