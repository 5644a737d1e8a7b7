/**
 * @file Cross-entropy over the vocabulary, in chunks of labelled positions.
 *
 * The full [tokens, vocab] matrix never exists: only positions with a label come here, and each chunk's logits are turned at once
 * into the gradient of the chunk's hidden states (and of the head's own trainable parameters) and forgotten. The number of chunks
 * is fixed when the step is traced, so one graph serves every number of labels. Sources: Liger Kernel's fused linear
 * cross-entropy and Cut Cross-Entropy (Wijmans et al. 2024) for the idea.
 */
import { sumGradients } from '../ops/basics.ts';
import * as raw from '../ops/primitives.ts';
import { asLeaf, detach, differentiable, gradients, makeTensor, needsGradient, type Tensor } from '../ops/tensor.ts';

export interface CrossEntropyOptions {
  /** Hidden states at the labelled positions, [labels, hidden]; the number of rows is a multiple of `chunks`. */
  readonly hidden: Tensor;
  /** Target ids, int32 [labels]. */
  readonly labels: Tensor;
  /** f32 [labels]: 1, or 0 where the row only fills up the last chunk. */
  readonly weights: Tensor;
  /** The language-model head: [n, hidden] -> logits [n, vocab]. */
  readonly head: (hidden: Tensor) => Tensor;
  /** Trainable leaves inside the head. */
  readonly headLeaves: readonly Tensor[];
  readonly chunks: number;
}

/** @returns the sum of weighted losses, an f32 scalar. */
export function chunkedCrossEntropy(options: CrossEntropyOptions): Tensor {
  const { hidden, labels, weights, headLeaves, chunks } = options;
  const { runner } = hidden;
  const wantsGradient = needsGradient(hidden) || headLeaves.length > 0;
  let saved: (Tensor | null)[] = [];
  const [loss] = differentiable(
    runner,
    [hidden, ...headLeaves],
    (save) => {
      const parts = raw.splitEvenly(detach(hidden), chunks, 0);
      const labelParts = raw.splitEvenly(labels, chunks, 0);
      const weightParts = raw.splitEvenly(weights, chunks, 0);
      const results = parts.map((part, index) =>
        lossOfChunk(part, labelParts[index]!, weightParts[index]!, options, wantsGradient),
      );
      if (wantsGradient) {
        const dHidden = raw.concat(
          results.map(({ grads }) => grads[0]!),
          0,
        );
        const dLeaves = headLeaves.map((_, leaf) => addUp(results.map(({ grads }) => grads[leaf + 1] ?? null)));
        saved = [{ ...dHidden, shape: hidden.shape }, ...dLeaves];
        save(...saved.filter((tensor) => tensor !== null));
      }
      return [results.map((result) => result.loss).reduce((a, b) => raw.add(a, b))];
    },
    ([dy]) => saved.map((gradient) => (gradient ? raw.multiply(gradient, raw.cast(dy!, gradient.dtype)) : null)),
  );
  return loss!;
}

function lossOfChunk(
  part: Tensor,
  labels: Tensor,
  weights: Tensor,
  { head, headLeaves }: CrossEntropyOptions,
  wantsGradient: boolean,
): { loss: Tensor; grads: (Tensor | null)[] } {
  const { runner } = part;
  const leaf = wantsGradient ? asLeaf(part) : part;
  const all = runner.scope(
    () => {
      const logits = head(leaf);
      const [losses, slopes] = softmaxCrossEntropy(detach(logits), labels);
      const loss = raw.sumAll(raw.multiply(losses, weights));
      if (!wantsGradient) return { loss, grads: [] };
      const column = raw.reshape(weights, [-1, 1]);
      if (headLeaves.length > 0) {
        const gradient = raw.cast(raw.multiply(slopes, column), logits.dtype);
        const [dHidden, ...dLeaves] = gradients([{ value: logits, gradient }], [leaf, ...headLeaves], sumGradients);
        // The chunks' gradients are added up in f32.
        return { loss, grads: [dHidden!, ...dLeaves.map((grad) => grad && raw.cast(grad, 'float32'))] };
      }
      const [dHidden] = gradients([{ value: logits, gradient: raw.cast(slopes, logits.dtype) }], [leaf], sumGradients);
      return { loss, grads: [raw.multiply(dHidden!, raw.cast(column, dHidden!.dtype))] };
    },
    ({ loss, grads }) => [loss, ...grads.filter((grad) => grad !== null)].map((tensor) => tensor.id),
  );
  return all;
}

/** Losses [n] and their slopes [n, vocab] in one op, both f32. */
function softmaxCrossEntropy(logits: Tensor, labels: Tensor): [Tensor, Tensor] {
  const wide = raw.cast(logits, 'float32');
  const attrs = { T: { type: 'float32' }, Tlabels: { type: 'int32' } } as const;
  const [loss, slope] = wide.runner.op('SparseSoftmaxCrossEntropyWithLogits', attrs, [wide.id, labels.id], 2);
  return [
    makeTensor(wide.runner, loss!, 'float32', labels.shape),
    makeTensor(wide.runner, slope!, 'float32', wide.shape),
  ];
}

function addUp(parts: readonly (Tensor | null)[]): Tensor | null {
  const present = parts.filter((part) => part !== null);
  return present.length === 0 ? null : present.reduce((a, b) => raw.add(a, b));
}
