/**
 * @file A recipe without a model: a number that changes from step to step in a way only its state decides, so that a resumed run can
 * be compared with an uninterrupted one. The run's name says how it misbehaves.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, Interrupted } from '../../../../src-shared/domain/app-error.ts';
import type { FineTune, FineTuneOptions, TrainResult } from '../../../../src-main/engine/recipes/contract.ts';
import type { ResolvedRunConfig } from '../../../../src-shared/schema/run-config.ts';

/** What `name` may be. */
export type Behaviour =
  | 'well'
  | 'bad-input'
  | 'bug'
  | 'out-of-memory'
  | 'disk-full'
  | 'abort'
  | 'killed'
  | 'blocks'
  | 'chatters'
  | 'diverges'
  | 'ignores-stop'
  | 'too-large-checkpoint';

export const fakeFineTune: FineTune = async (options) => {
  const behaviour = (options.config.name ?? 'well') as Behaviour;
  if (behaviour === 'bad-input')
    throw new AppError('data/empty', 'rows.jsonl: no rows', { faults: [{ message: 'empty' }] });
  const steps = options.config.training.max_steps ?? 10;
  await options.setResolved(resolve(options, steps));
  if (options.host.signal.aborted) throw new Interrupted();
  await options.checkpoints.requireSpace(behaviour === 'too-large-checkpoint' ? 1e15 : 1000);
  const first = options.resume?.step ?? 0;
  options.host.report(startEvent(options, first, steps));
  return trainSteps(options, behaviour, first, steps);
};

async function trainSteps(
  options: FineTuneOptions,
  behaviour: Behaviour,
  first: number,
  steps: number,
): Promise<TrainResult> {
  const { host, checkpoints, config } = options;
  let value = first === 0 ? 1 : Number((options.resume?.state as { value: number }).value);
  const saveEvery = config.training.save_steps ?? 5;
  const save = (step: number) =>
    checkpoints.save({ step, files: contents(value), state: { value }, best: step % 4 === 0 });
  for (let step = first + 1; step <= steps; step++) {
    if (host.signal.aborted && behaviour !== 'ignores-stop') {
      await save(step - 1);
      throw new Interrupted();
    }
    value = (value * 1103515245 + 12345) % 2147483648;
    await sleep(config.training.save_minutes ?? 0);
    host.report(stepEvent(step, behaviour === 'diverges' && step > 1 ? NaN : value));
    if (behaviour === 'diverges') host.report(evalEvent(step));
    if (behaviour === 'chatters') chatter(options);
    if (step % saveEvery === 0) await save(step);
    if (step === 3) misbehave(behaviour);
  }
  const adapter_dir = await checkpoints.writeFinal(contents(value));
  const best = await checkpoints.loadBest();
  return {
    adapter_dir,
    final_loss: value,
    eval_loss: null,
    best_checkpoint: best?.dir ?? null,
    steps,
    stopped_early: false,
  };
}

function misbehave(behaviour: Behaviour): void {
  if (behaviour === 'bug') throw new TypeError('cannot read properties of undefined');
  if (behaviour === 'out-of-memory') throw new RangeError('Array buffer allocation failed');
  if (behaviour === 'disk-full') throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  if (behaviour === 'abort') process.abort();
  if (behaviour === 'killed') process.kill(process.pid, 'SIGKILL');
  while (behaviour === 'blocks') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

function contents(value: number): Map<string, Uint8Array> {
  return new Map([['adapter_model.safetensors', new TextEncoder().encode(`adapter ${value}`)]]);
}

function startEvent({ runDir }: FineTuneOptions, start_step: number, total_steps: number) {
  const counts = { trainable_parameters: 1, total_parameters: 2, train_rows: 3, eval_rows: 0, supervised_tokens: 4 };
  return { event: 'start' as const, run_dir: runDir, total_steps, start_step, ...counts, engine: 'fake' };
}

function stepEvent(step: number, loss: number) {
  const figures = { learning_rate: 1e-3, grad_norm: 1, tokens_per_second: 100, tokens: step * 10, memory_bytes: 1e6 };
  return { event: 'step' as const, step, loss, ...figures, epoch: step / 10, elapsed_ms: step };
}

/** A second of telling, without a turn in which it could be noticed that nobody listens any more. */
function chatter({ host }: FineTuneOptions): void {
  for (let word = 0; word < 200; word++) {
    host.report({ event: 'progress', phase: 'Talking', fraction: null });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}

/** As of a model that is certain of the wrong thing. */
function evalEvent(step: number) {
  return { event: 'eval' as const, step, eval_loss: NaN, perplexity: Infinity, metrics: {}, best: false };
}

/** All fields, as the engine would fill them in. */
function resolve({ config }: FineTuneOptions, steps: number): ResolvedRunConfig {
  return {
    name: 'well',
    task_type: 'CAUSAL_LM',
    problem_type: null,
    labels: null,
    ...config,
    model: config.model,
    data: {
      eval: null,
      eval_fraction: 0,
      format: 'text',
      columns: {},
      template: null,
      max_length: 16,
      packing: false,
      shuffle: false,
      completion_only_loss: false,
      ...config.data,
    },
    quantization: { method: 'none', double_quant: true, ...config.quantization },
    peft: {
      peft_type: 'LORA',
      r: 8,
      lora_alpha: 16,
      lora_dropout: 0,
      target_modules: 'all-linear',
      bias: 'none',
      use_rslora: false,
      use_dora: false,
      modules_to_save: [],
      rank_pattern: {},
      alpha_pattern: {},
      layers_to_transform: null,
      exclude_modules: null,
      init_lora_weights: true,
      trainable_modules: null,
      scaling_vector_lr_ratio: 1,
      adapter_path: null,
      ...config.peft,
    },
    training: {
      per_device_train_batch_size: 1,
      gradient_accumulation_steps: 1,
      learning_rate: 1e-3,
      num_train_epochs: 1,
      lr_scheduler_type: 'constant',
      lr_scheduler_kwargs: {},
      warmup_ratio: 0,
      warmup_steps: 0,
      optim: 'adamw',
      weight_decay: 0,
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_epsilon: 1e-8,
      momentum: 0,
      loraplus_lr_ratio: null,
      max_grad_norm: 1,
      logging_steps: 1,
      eval_steps: 0,
      per_device_eval_batch_size: 1,
      metric_for_best_model: 'eval_loss',
      sample_prompts: [],
      save_steps: 5,
      save_minutes: 0,
      save_total_limit: 2,
      load_best_model_at_end: false,
      early_stopping_patience: 0,
      gradient_checkpointing: 'auto',
      seed: 1,
      ...config.training,
      max_steps: steps,
    },
  };
}
