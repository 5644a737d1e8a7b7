/**
 * @file Losses of classifiers over a batch of scores: one class a row, several classes a row, or a number. Each is a row's mean over its
 * labels, summed over the rows, so that batches can be added up.
 *
 * As in transformers: cross-entropy, binary cross-entropy with logits, squared error.
 */
import * as raw from '../ops/primitives.ts';
import { differentiable, type Tensor } from '../ops/tensor.ts';
import { softmaxCrossEntropy } from './cross-entropy.ts';

/** @param logits [rows, labels], f32 @param targets class ids, int32 [rows] @returns f32 scalar */
export function oneClassLoss(logits: Tensor, targets: Tensor): Tensor {
  return sumOf(logits, () => {
    const { losses, slopes } = softmaxCrossEntropy(logits, targets);
    return { loss: raw.sumAll(losses), slopes: slopes() };
  });
}

/** @param logits [rows, labels], f32 @param targets 0 or 1 for each class, f32 [rows, labels] */
export function severalClassesLoss(logits: Tensor, targets: Tensor): Tensor {
  const labels = logits.shape[1] as number;
  return sumOf(logits, () => {
    // max(x, 0) - x z + log(1 + exp(-|x|)): never the exponential of a large number.
    const tail = raw.softplus(raw.negate(raw.abs(logits)));
    const losses = raw.add(raw.subtract(raw.relu(logits), raw.multiply(logits, targets)), tail);
    const slopes = raw.subtract(raw.sigmoid(logits), targets);
    return { loss: raw.multiply(raw.sumAll(losses), 1 / labels), slopes: raw.multiply(slopes, 1 / labels) };
  });
}

/** @param values [rows, labels], f32 @param targets like values */
export function squaredErrorLoss(values: Tensor, targets: Tensor): Tensor {
  const labels = values.shape[1] as number;
  return sumOf(values, () => {
    const errors = raw.subtract(values, targets);
    const loss = raw.multiply(raw.sumAll(raw.square(errors)), 1 / labels);
    return { loss, slopes: raw.multiply(errors, 2 / labels) };
  });
}

/** A scalar of x whose slopes are known beside it. */
function sumOf(x: Tensor, compute: () => { loss: Tensor; slopes: Tensor }): Tensor {
  let slopes: Tensor;
  const [out] = differentiable(
    x.runner,
    [x],
    (save) => {
      const made = compute();
      slopes = made.slopes;
      save(slopes);
      return [made.loss];
    },
    ([dy]) => [raw.multiply(slopes, dy!)],
  );
  return out!;
}
