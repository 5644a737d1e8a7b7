/**
 * @file Training without what would hide a difference: no schedule, no decay, no clipping; a high rate, so that a few steps change the loss
 * by far more than the tolerances.
 */
export const PLAIN_TRAINING = {
  per_device_train_batch_size: 4,
  gradient_accumulation_steps: 1,
  learning_rate: 5e-3,
  num_train_epochs: 1,
  lr_scheduler_type: 'constant',
  warmup_steps: 0,
  warmup_ratio: 0,
  weight_decay: 0,
  max_grad_norm: 0,
  logging_steps: 1,
  seed: 42,
};
