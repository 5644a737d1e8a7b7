/**
 * @file Cross-entropy over the vocabulary, in chunks of labelled positions.
 *
 * The full [tokens, vocab] matrix never exists: only positions with a label come here, and each chunk's logits are turned at once
 * into the gradient of the chunk's hidden states (and of the head's own trainable parameters) and forgotten. The number of chunks
 * is fixed when the step is traced, so one graph serves every number of labels. Sources: Liger Kernel's fused linear
 * cross-entropy and Cut Cross-Entropy (Wijmans et al. 2024) for the idea.
 */
import type { Dim } from '../device/dim.ts';
import { sumGradients } from '../ops/basics.ts';
import { fused } from '../ops/fused.ts';
import * as raw from '../ops/primitives.ts';
import { asLeaf, detach, differentiable, gradients, needsGradient, type Tensor } from '../ops/tensor.ts';

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
      const results: ChunkResult[] = [];
      for (const [index, part] of parts.entries()) {
        // One chunk after the other: two at once would need twice the memory.
        const before = results.at(-1);
        const held = before ? after(part, before.grads[0] ?? before.loss) : part;
        results.push(lossOfChunk(held, labelParts[index]!, weightParts[index]!, options, wantsGradient));
      }
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

/** What an evaluation counts, f32 scalars. */
export interface EvaluatedLoss {
  readonly loss: Tensor;
  /** Labels that the model holds for the likeliest token. */
  readonly hits: Tensor;
}

/** The same sum without gradients, and how often the label is the likeliest token. */
export function evaluateCrossEntropy(options: Omit<CrossEntropyOptions, 'headLeaves'>): EvaluatedLoss {
  const { hidden, labels, weights, head, chunks } = options;
  const parts = raw.splitEvenly(detach(hidden), chunks, 0);
  const labelParts = raw.splitEvenly(labels, chunks, 0);
  const weightParts = raw.splitEvenly(weights, chunks, 0);
  const results: EvaluatedLoss[] = [];
  for (const [index, part] of parts.entries()) {
    const before = results.at(-1);
    const held = before ? after(part, before.loss) : part;
    results.push(evaluateChunk(head, held, labelParts[index]!, weightParts[index]!));
  }
  return results.reduce((a, b) => ({ loss: raw.add(a.loss, b.loss), hits: raw.add(a.hits, b.hits) }));
}

function evaluateChunk(
  head: CrossEntropyOptions['head'],
  part: Tensor,
  labels: Tensor,
  weights: Tensor,
): EvaluatedLoss {
  return part.runner.scope(
    () => {
      const logits = raw.cast(detach(head(part)), 'float32');
      const isHit = raw.cast(raw.compare('Equal', raw.argMax(logits), labels), 'float32');
      const { losses } = softmaxCrossEntropy(logits, labels);
      return { loss: raw.sumAll(raw.multiply(losses, weights)), hits: raw.sumAll(raw.multiply(isHit, weights)) };
    },
    ({ loss, hits }) => [loss.id, hits.id],
  );
}

interface ChunkResult {
  readonly loss: Tensor;
  readonly grads: readonly (Tensor | null)[];
}

/** The same value, which a graph does not use before `other` exists. */
const after = (value: Tensor, other: Tensor): Tensor => ({
  ...value,
  id: value.runner.barrier(value.id, value.dtype, other.id),
});

function lossOfChunk(
  part: Tensor,
  labels: Tensor,
  weights: Tensor,
  { head, headLeaves }: CrossEntropyOptions,
  wantsGradient: boolean,
): ChunkResult {
  const { runner } = part;
  const leaf = wantsGradient ? asLeaf(part) : part;
  const all = runner.scope(
    () => {
      const logits = head(leaf);
      const { losses, slopes } = softmaxCrossEntropy(detach(logits), labels);
      const loss = raw.sumAll(raw.multiply(losses, weights));
      if (!wantsGradient) return { loss, grads: [] };
      const column = raw.reshape(weights, [-1, 1]);
      if (headLeaves.length > 0) {
        const gradient = raw.multiply(slopes(), raw.cast(column, logits.dtype));
        const [dHidden, ...dLeaves] = gradients([{ value: logits, gradient }], [leaf, ...headLeaves], sumGradients);
        // The chunks' gradients are added up in f32.
        return { loss, grads: [dHidden!, ...dLeaves.map((grad) => grad && raw.cast(grad, 'float32'))] };
      }
      const [dHidden] = gradients([{ value: logits, gradient: slopes() }], [leaf], sumGradients);
      // In f32: a bf16 product with a column is the slower one by far.
      const weighted = raw.multiply(raw.cast(dHidden!, 'float32'), column);
      return { loss, grads: [raw.cast(weighted, dHidden!.dtype)] };
    },
    ({ loss, grads }) => [loss, ...grads.filter((grad) => grad !== null)].map((tensor) => tensor.id),
  );
  return all;
}

/** Losses [n], f32, and, on request, their slopes [n, vocab] in the dtype of the logits: p = softmax, less 1 at the label. */
interface LossOfLogits {
  readonly losses: Tensor;
  readonly slopes: () => Tensor;
}

interface LabelPlaces {
  /** int32 [n] */
  readonly labels: Tensor;
  /** Row and column of each, int32 [n, 2]. */
  readonly places: Tensor;
}

export function softmaxCrossEntropy(logits: Tensor, labels: Tensor): LossOfLogits {
  const rows = raw.range(logits.runner, labels.shape[0]!);
  const places = raw.concat([raw.reshape(rows, [-1, 1]), raw.reshape(labels, [-1, 1])], 1); // [n, 2]
  // In f32 the softmax that both ways need is most of the work.
  const isFused = logits.runner.fuses && logits.dtype === 'bfloat16';
  const at = { labels, places };
  return isFused ? fusedCrossEntropy(logits, at) : plainCrossEntropy(logits, at);
}

/**
 * From oneDNN's or cuDNN's softmax p: the loss is log(sum of exp) - logit. p = exp(x - top) / sum tells that logarithm at the largest
 * logit, where p cannot be too small for f32. `SparseSoftmaxCrossEntropyWithLogits` gives the same in one op, which takes twice the time
 * on a processor.
 */
function plainCrossEntropy(logits: Tensor, at: LabelPlaces): LossOfLogits {
  const wide = raw.cast(logits, 'float32');
  const p = raw.softmax(wide);
  const logSum = raw.subtract(raw.reduceMax(wide, [1]), raw.log(raw.reduceMax(p, [1])));
  return {
    losses: raw.subtract(logSum, raw.gatherElements(wide, at.places)),
    slopes() {
      // In f32: near 1, p itself has no digits to spare in bf16, and on a card only f32 can be written to. Nothing reads p any more once
      // the logarithm is there.
      const atLabels = raw.subtract(raw.gatherElements(p, at.places), 1);
      return raw.cast(writeAtLabels(after(p, logSum), at, atLabels), logits.dtype);
    },
  };
}

/** The sum of exp is one kernel over the logits; what is left of the softmax are the slopes, rounded once, and p at the label is exp(-loss). */
function fusedCrossEntropy(logits: Tensor, at: LabelPlaces): LossOfLogits {
  const top = largestOfRows(logits);
  const [sum] = fused([logits, top], ['float32'], (x, t) => [raw.sum(raw.exp(raw.subtract(x, t)), [-1])]);
  const logSum = raw.add(raw.reshape(top, [-1]), raw.log(sum!));
  const losses = raw.subtract(logSum, raw.cast(raw.gatherElements(logits, at.places), 'float32'));
  return {
    losses,
    slopes() {
      const atLabels = raw.cast(raw.subtract(raw.exp(raw.negate(losses)), 1), logits.dtype);
      return writeAtLabels(raw.softmax(logits), at, atLabels);
    },
  };
}

/** Values in 64 bytes of bf16. */
const PIECE = 32;

/** p with `values` [n] at the labels. @param p [n, width]; nothing else reads it */
function writeAtLabels(p: Tensor, { labels, places }: LabelPlaces, values: Tensor): Tensor {
  const hasPieces = p.runner.writesInPlace && (p.shape[1] as number) % PIECE === 0;
  return hasPieces ? writeInPieces(p, labels, values) : raw.updateAt(p, places, values);
}

/**
 * The same in its own memory, where `TensorScatterUpdate` would copy all of it.
 * @param p [n, width], of whole pieces; nothing else reads it
 */
function writeInPieces(p: Tensor, labels: Tensor, values: Tensor): Tensor {
  const { runner } = p;
  const [count, width] = p.shape as [Dim, number];
  const pieces = raw.reshape(p, [-1, PIECE]);
  const inRow = raw.floorDivide(labels, PIECE);
  const places = raw.add(raw.multiply(raw.range(runner, count), width / PIECE), inRow); // [n]
  const column = raw.subtract(labels, raw.multiply(inRow, PIECE));
  const isLabel = raw.compare('Equal', raw.reshape(column, [-1, 1]), raw.range(runner, PIECE)); // [n, PIECE]
  const own = raw.select(isLabel, raw.reshape(values, [-1, 1]), raw.gatherRows(pieces, places));
  return raw.reshape(raw.writeRows(pieces, places, own), p.shape);
}

/** Narrower than this, one pass does. */
const LEAST_QUARTER = 1024;

/**
 * Quarters of a row laid over each other, so that most of it is one kernel that goes through all of it side by side; in TensorFlow the same is
 * a copy in f32 first. More than four at a time lie too far apart in memory.
 * @param x [n, width], bf16 @returns f32 [n, 1]
 */
function largestOfRows(x: Tensor): Tensor {
  const width = x.shape[1] as number;
  const quarter = Math.ceil(width / 4);
  if (quarter < LEAST_QUARTER) return raw.reduceMax(raw.cast(x, 'float32'), [1], true);
  const [folded] = fused([x], [x.dtype], (row) => {
    // The last one ends where the row does; what it has twice is no larger for that.
    const starts = [0, quarter, 2 * quarter, width - quarter];
    return [starts.map((start) => raw.takeColumns(row, start, quarter)).reduce((a, b) => raw.maximum(a, b))];
  });
  return largestOfRows(folded!);
}

function addUp(parts: readonly (Tensor | null)[]): Tensor | null {
  const present = parts.filter((part) => part !== null);
  return present.length === 0 ? null : present.reduce((a, b) => raw.add(a, b));
}
