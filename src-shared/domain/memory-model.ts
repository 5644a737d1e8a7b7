/**
 * @file Constants of the memory model (estimate-memory.ts), fitted to the runs of test/bench/MEMORY.md.
 */
import type { TrainingConfig } from '../schema/run-config.ts';

/** Node, TensorFlow, the tokenizer; and for each layer the nodes of the graph. */
export const RUNTIME_BYTES = 408e6;
export const LAYER_BYTES = 6.3e6;
/** Allocated for each byte counted: of what is kept without attention and of its weights, of block inputs under checkpointing, … */
export const KEPT_FACTOR = 1.2;
export const ATTENTION_FACTOR = 0.98;
export const INPUT_FACTOR = 2;
/** … of the block at work, whose intermediate values are mostly f32, and of a piece of logits. */
export const WORK_FACTOR = 3.6;
export const WORK_ATTENTION_FACTOR = 0.47;
export const LOGITS_FACTOR = 2.9;
/**
 * … where what lies between products runs as kernels: what one is given is kept, what it makes of that inside is not. Compiling them takes
 * memory once, and again for each size of batch.
 */
export const FUSED_KEPT_FACTOR = 1;
export const FUSED_WORK_FACTOR = 2.8;
export const FUSED_BYTES = 55e6;
export const FUSED_SIZE_BYTES = 4e6;
/** A second copy of the output head, in the order that its product wants. */
export const HEAD_FACTOR = 1;
/** Several matrices are expanded at a time, each through f32 and int32. */
export const EXPANDED_FACTOR = 20;
/** Reading without a backward pass: nothing is kept, and the block at work makes fewer values. */
export const READING_FACTOR = 2.5;
/**
 * Each compiled entry beside the step is pruned, optimized and kept by itself: `evaluate`, and what answers with (`prefill` and `decode`,
 * of classifiers `logits`).
 */
export const ENTRY_BYTES = 18e6;
export const ENTRY_LAYER_BYTES = 1.2e6;
export const WRITER_ENTRIES = 3;
export const CLASSIFIER_ENTRIES = 2;
/**
 * Products that are prepared for each new shape and kept, where rows or their labels differ in number: of training, for each size of batch
 * and each number of labels, or, where neither is known, of a short run; of evaluations. More of either were not measured.
 */
export const SIZE_BYTES = 6e6;
export const LABELS_BYTES = 1.7e6;
export const MOST_SIZES = 64;
export const MOST_LABEL_NUMBERS = 300;
export const SHAPES_BYTES = 105e6;
export const EVALUATED_SHAPES_BYTES = 105e6;
/** Answers that are written to held-out rows, and the tokens of each. */
export const SAMPLE_ANSWERS = 3;
export const ANSWER_TOKENS = 64;
/** f32 values for each trained one: itself, its gradient, the optimizer's state, and what a step makes of them. */
export const TRAINED_COPIES: Readonly<Record<TrainingConfig['optim'], number>> = {
  adamw: 12,
  adam: 12,
  lion: 9,
  sgd: 4,
  adafactor: 9,
};
/** Beside them for weights of the model itself: copies in the compute dtype, gradients of each piece of the loss. */
export const WEIGHT_COPIES = 13;

/** What the wasm engine takes on: its addresses end here, … */
export const WASM_HEAP_BYTES = 2 ** 32 - 2 ** 16;
/** … and it is too slow for larger models. */
export const WASM_MOST_PARAMETERS = 200_000_000;
/** What a step takes there for each byte of a compiled one: 0.43 against 0.24 MB a token, measured with the sample model. */
export const WASM_FACTOR = 1.8;
