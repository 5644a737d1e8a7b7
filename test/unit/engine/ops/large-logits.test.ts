/**
 * @file The loss where logits lie far apart: a label whose probability is too small for f32 still has its loss, and the gradient is the
 * softmax less one at the label. Compared with the same sums in double precision.
 */
import { beforeAll, expect, it } from 'vitest';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { chunkedCrossEntropy } from '../../../../src-main/engine/loss/cross-entropy.ts';
import * as basics from '../../../../src-main/engine/ops/basics.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { asLeaf, gradients, makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { openBinding } from '../support/open-binding.ts';

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

const LOGITS = [
  [300, -300, 5, 5],
  [-1000, -999, -998, -2000],
  [30, 29.5, -4, 2],
  [0, 0, 0, 0],
];
const LABELS = [1, 3, 0, 2];

it('is finite and right however far the logits lie apart', () => {
  const runner = new EagerRunner(binding);
  const [loss, slopes] = runner.runStep({}, () => {
    const values = Float32Array.from(LOGITS.flat());
    const hidden = asLeaf(makeTensor(runner, runner.input(values, 'float32', [4, 4]), 'float32', [4, 4]));
    const vector = (numbers: readonly number[]): Tensor =>
      raw.constant(runner, Float32Array.from(numbers), 'float32', [4]);
    const sum = chunkedCrossEntropy({
      hidden,
      labels: raw.constant(runner, Int32Array.from(LABELS), 'int32', [4]),
      weights: vector([1, 1, 1, 1]),
      head: (states) => states,
      headLeaves: [],
      chunks: 1,
    });
    const [gradient] = gradients([{ value: sum, gradient: raw.scalar(runner, 1) }], [hidden], basics.sumGradients);
    return [sum, gradient!].map(({ id }) => Array.from(binding.tensorDataSync(id) as Float32Array));
  });
  runner.dispose();
  const rows = LOGITS.map((logits, row) => exactly(logits, LABELS[row]!));
  expect(loss![0]).toBeCloseTo(
    rows.reduce((total, row) => total + row.loss, 0),
    2,
  );
  const wanted = rows.flatMap((row) => row.slopes);
  slopes!.forEach((slope, index) => expect(slope).toBeCloseTo(wanted[index]!, 6));
});

function exactly(logits: readonly number[], label: number): { loss: number; slopes: number[] } {
  const top = Math.max(...logits);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
  const slopes = logits.map((logit, index) => Math.exp(logit - top) / total - (index === label ? 1 : 0));
  return { loss: top + Math.log(total) - logits[label]!, slopes };
}
