/**
 * @file Run configurations of our own arms: rows of token ids in the order of the file, nothing saved, nothing evaluated.
 */
import type { BatchShape } from './workloads.ts';

export type Storage = 'none' | 'bf16' | 'int8' | 'nf4';

export interface OwnRun {
  readonly model: string;
  readonly adapter: string;
  readonly rows: string;
  readonly shape: BatchShape;
  readonly steps: number;
  readonly storage: Storage;
  /** Left out = chosen by the product. */
  readonly checkpointing?: boolean;
  /** Batches of one optimizer step; 1 where left out. */
  readonly accumulation?: number;
  /** Rows to evaluate on; none where left out. */
  readonly evalRows?: string;
}

export const LEARNING_RATE = 1e-3;
export const MAX_GRAD_NORM = 1;

/** What `tunesmith train --config` gets. */
export function ownConfig(run: OwnRun) {
  const { model, adapter, rows, shape, steps, storage, evalRows } = run;
  return {
    model: { path: model },
    data: {
      train: [rows],
      eval: evalRows === undefined ? null : [evalRows],
      eval_fraction: 0,
      format: 'tokens' as const,
      max_length: shape.seq,
      packing: false,
      shuffle: false,
      completion_only_loss: false,
    },
    quantization: { method: storage, double_quant: true },
    peft: { peft_type: 'LORA' as const, adapter_path: adapter },
    training: {
      per_device_train_batch_size: shape.batch,
      per_device_eval_batch_size: shape.batch,
      gradient_accumulation_steps: run.accumulation ?? 1,
      learning_rate: LEARNING_RATE,
      max_steps: steps,
      lr_scheduler_type: 'constant' as const,
      warmup_steps: 0,
      warmup_ratio: 0,
      optim: 'adamw' as const,
      weight_decay: 0,
      max_grad_norm: MAX_GRAD_NORM,
      logging_steps: 1,
      save_steps: 0,
      save_minutes: 0,
      ...(run.checkpointing !== undefined && { gradient_checkpointing: run.checkpointing }),
    },
  };
}
