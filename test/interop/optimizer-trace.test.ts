/**
 * @file Twenty-step loss traces of every optimizer against torch's and transformers' own, around whole training steps: clipping before
 * them, weight decay inside or beside them, schedules. Tolerances as in loss-trace.test.ts.
 *
 * Lion steps by the sign of a momentum, so one gradient that is nearly zero can differ in its sign and move a weight by two whole steps
 * in another direction: its rate is small enough that one such weight stays within the tolerance.
 */
import type { TraceCase } from './support/trace.ts';
import { testTraces } from './support/trace-suite.ts';

const PEFT = { r: 4, lora_alpha: 8, target_modules: 'all-linear' };

const CASES: readonly TraceCase[] = [
  { name: 'adam', peft: PEFT, training: { optim: 'adam' } },
  {
    name: 'adam with coupled weight decay, clipping, cosine with restarts',
    peft: PEFT,
    training: {
      optim: 'adam',
      weight_decay: 0.05,
      max_grad_norm: 0.5,
      lr_scheduler_type: 'cosine_with_restarts',
      lr_scheduler_kwargs: { num_cycles: 2 },
    },
  },
  { name: 'sgd', peft: PEFT, training: { optim: 'sgd', momentum: 0, learning_rate: 0.5 } },
  {
    name: 'sgd with momentum, weight decay, polynomial schedule',
    peft: PEFT,
    training: {
      optim: 'sgd',
      momentum: 0.9,
      learning_rate: 0.1,
      weight_decay: 0.01,
      lr_scheduler_type: 'polynomial',
      lr_scheduler_kwargs: { lr_end: 1e-3, power: 2 },
      warmup_steps: 3,
    },
  },
  { name: 'lion', peft: PEFT, training: { optim: 'lion', adam_beta2: 0.99, learning_rate: 5e-4 } },
  {
    name: 'lion with weight decay, inverse square root schedule',
    peft: PEFT,
    training: {
      optim: 'lion',
      adam_beta2: 0.99,
      learning_rate: 5e-4,
      weight_decay: 0.1,
      lr_scheduler_type: 'inverse_sqrt',
      warmup_steps: 5,
    },
  },
  { name: 'adafactor', peft: PEFT, training: { optim: 'adafactor' } },
  {
    name: 'adafactor, all weights and biases, weight decay',
    model: { attention_bias: true },
    peft: { peft_type: 'NONE' },
    training: { optim: 'adafactor', learning_rate: 1e-3, weight_decay: 0.1, max_grad_norm: 1 },
  },
  {
    name: 'adafactor, gradients of two batches added up',
    peft: PEFT,
    training: { optim: 'adafactor', gradient_accumulation_steps: 2, lr_scheduler_type: 'linear' },
  },
];

testTraces('optimizer-trace', CASES);
