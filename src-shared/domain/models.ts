/**
 * @file Models as the screens show them.
 */
import type { Fault } from './app-error.ts';
import type { TaskType } from '../schema/run-config.ts';
import type { EvaluatedTask } from './evaluation.ts';
import type { ModelRecord } from './history.ts';

export interface ListedModel extends ModelRecord {
  /** False where its folder is gone or no longer a model. */
  readonly usable: boolean;
  /** False where the engine has no such architecture. */
  readonly supported: boolean;
  /** Commit of a copy from the hub, null where it is not known. */
  readonly revision: string | null;
  /** null where it cannot be told. */
  readonly fit: ModelFit | null;
}

/** Whether a small adapter can be trained on a model here, and with which storage of its weights: the widest that fits. */
export interface ModelFit {
  readonly verdict: 'fits' | 'tight' | 'too-much';
  readonly precision: 'f32' | 'bf16' | 'int8' | 'nf4';
  readonly needed_bytes: number;
  readonly available_bytes: number;
  /** Where the wasm engine would train and it is what the model is too large for, not the machine. */
  readonly limit?: 'wasm';
}

/** A model folder that was found on this machine. */
export interface FoundModel {
  readonly name: string;
  readonly path: string;
  readonly model_type: string;
  readonly size_bytes: number;
  readonly context_tokens: number | null;
  readonly revision: string | null;
}

/** Weight matrices of one name and shape, over the layers that have them. */
export interface LinearGroup {
  /** Last part of the path: q_proj, down_proj, lm_head. */
  readonly name: string;
  readonly in_features: number;
  readonly out_features: number;
  /** Layers that have it; empty for a matrix outside of the layers. */
  readonly layers: readonly number[];
}

/** What a model folder says about itself; read from its files without loading weights. */
export interface ModelDetails {
  readonly path: string;
  readonly name: string;
  readonly model_type: string;
  /** False where the engine has no such architecture yet. */
  readonly supported: boolean;
  /** What it can be trained for, the usual first; empty where the engine does not know. */
  readonly task_types: readonly TaskType[];
  /** What it does as it is; null where it only reads and has no head, or where the engine does not know it. */
  readonly answers_as: EvaluatedTask | null;
  readonly size_bytes: number;
  /** Numbers in all tensors. */
  readonly parameters: number;
  /** Type that most numbers are stored in: F32, BF16, F16, … */
  readonly dtype: string;
  readonly context_tokens: number | null;
  readonly licence: string | null;
  readonly vocab_size: number | null;
  readonly hidden_size: number | null;
  readonly num_hidden_layers: number | null;
  readonly num_attention_heads: number | null;
  readonly num_key_value_heads: number | null;
  readonly has_chat_template: boolean;
  readonly linears: readonly LinearGroup[];
  /** Why it cannot be used; empty where it can. */
  readonly faults: readonly Fault[];
}
