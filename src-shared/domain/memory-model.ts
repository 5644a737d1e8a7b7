/**
 * @file Constants of the memory model (recipes/estimate-memory.ts), fitted to the runs of test/bench/MEMORY.md. The wizard works with the
 * same ones, so that its figure and the engine's cannot part.
 */
import type { TrainingConfig } from '../schema/run-config.ts';

/** Node, TensorFlow, the tokenizer; and for each layer the nodes of the graph. */
export const RUNTIME_BYTES = 385e6;
export const LAYER_BYTES = 8.3e6;
/** Allocated for each byte counted: of what is kept without attention and of its weights, of block inputs under checkpointing, … */
export const KEPT_FACTOR = 1.2;
export const ATTENTION_FACTOR = 0.98;
export const INPUT_FACTOR = 2;
/** … of the block at work, whose intermediate values are mostly f32, and of a piece of logits. */
export const WORK_FACTOR = 3.6;
export const WORK_ATTENTION_FACTOR = 0.47;
export const LOGITS_FACTOR = 2.9;
/** A second copy of the output head, in the order that its product wants. */
export const HEAD_FACTOR = 1;
/** Several matrices are expanded at a time, each through f32 and int32. */
export const EXPANDED_FACTOR = 20;
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

/** What the wasm engine takes on: its addresses end, and it is too slow for larger models. */
export const WASM_HEAP_BYTES = 2 ** 32 - 2 ** 16;
export const WASM_MOST_PARAMETERS = 200_000_000;
