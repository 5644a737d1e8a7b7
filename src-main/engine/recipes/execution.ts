/**
 * @file The choices that all steps of a run share.
 */
import type { ExecutionMode } from './open-engine.ts';

/** What every step of a run has in common; kept in its checkpoints, because another choice rounds differently. */
export interface Execution {
  readonly mode: ExecutionMode;
  readonly checkpointing: boolean;
  /** Pieces that the loss of a training batch and of an evaluation batch is cut into. */
  readonly chunks: number;
  readonly eval_chunks: number;
  /** Pieces that causal attention is computed in. */
  readonly attention_parts: number;
  /** Most bytes of expanded copies of quantized weights. */
  readonly kept_bytes: number;
  /** Low-rank updates are computed beside the weights, in one product with them. */
  readonly folded: boolean;
  /** Parts that a batch is cut into, computed side by side with one thread each; 1 = none. */
  readonly shards: number;
  /** Training steps run what is between products as kernels compiled for each size of batch. */
  readonly fused: boolean;
}
