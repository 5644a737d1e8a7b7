/**
 * @file Rotary positions in bf16, where the halves change places in a product: the very bits that cutting and joining gives in f32, as long
 * as no sum has to be rounded.
 */
import { beforeAll, expect, it } from 'vitest';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { headsFirst } from '../../../../src-main/engine/nn/batch.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { rotary } from '../../../../src-main/engine/ops/rotary.ts';
import { asLeaf, gradients, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { openBinding } from '../support/open-binding.ts';

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

const SHAPE = [2, 3, 5, 8];
const SIZE = 2 * 3 * 5 * 8;

it('turns bf16 values and their gradients as it turns f32 ones', () => {
  const runner = new EagerRunner(binding);
  const [found, wanted] = runner.runStep({}, () =>
    (['bfloat16', 'float32'] as const).map((dtype) => {
      // bf16 values in both dtypes.
      const values = (name: string): Tensor =>
        raw.cast(raw.cast(raw.constant(runner, drawNormal(1, name, SIZE, 1), 'float32', SHAPE), 'bfloat16'), dtype);
      const angles = (value: number): Tensor => raw.fill(runner, [2, 3, 1, 8], value, dtype);
      const x = asLeaf(values('x'));
      // Each output is one input times a power of two: exact in both.
      const outputs = [rotary(x, angles(0), angles(-2)), rotary(x, angles(0.5), angles(0))];
      const roots = outputs.map((value) => ({ value, gradient: headsFirst(values('dy')) }));
      const grads = roots.map((root) => gradients([root], [x], raw.add)[0]!);
      return [...outputs, ...grads].flatMap((tensor) => [
        ...(binding.tensorDataSync(raw.cast(tensor, 'float32').id) as Float32Array),
      ]);
    }),
  );
  runner.dispose();
  expect(found).toHaveLength(4 * SIZE);
  expect(found).toEqual(wanted);
});
