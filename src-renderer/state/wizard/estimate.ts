/**
 * @file What a plan costs: memory by part, disk, time. Sizes of what is stored follow from counts; activations and time are estimates
 * and are shown as such. The engine measures both when a run starts.
 */
import type { EngineStatus } from '../../../src-shared/domain/machine.ts';
import type { ModelDetails } from '../../../src-shared/domain/models.ts';
import type { RunPlan } from '../../../src-shared/domain/run-plan.ts';
import type { TrainingConfig } from '../../../src-shared/schema/run-config.ts';
import { BYTES_PER_NUMBER, type Precision } from './offers.ts';
import type { Plan } from './plan.ts';
import { countLinear } from './trainable.ts';

/** TensorFlow, Node and the tokenizer before any model is loaded. */
const RUNTIME_BYTES = 0.45e9;
/** A machine that is full to the last byte swaps. */
const SPARE_SHARE = 0.1;
/** Values beside each trained one: itself, gradient, moments, and their next values while a step is applied. */
const TRAINED_COPIES: Readonly<Record<TrainingConfig['optim'], number>> = {
  adamw: 7,
  adam: 7,
  lion: 5,
  sgd: 5,
  adafactor: 4,
};
const FILE_COPIES: Readonly<Record<TrainingConfig['optim'], number>> = {
  adamw: 3,
  adam: 3,
  lion: 2,
  sgd: 2,
  adafactor: 2,
};

export interface MemoryEstimate {
  readonly model: number;
  readonly adapter: number;
  readonly activations: number;
  readonly runtime: number;
  readonly total: number;
  /** What this machine can give now. */
  readonly available: number;
  readonly verdict: 'fits' | 'tight' | 'too-much';
}

export function estimateMemory(plan: Plan, model: ModelDetails, engine: EngineStatus): MemoryEstimate {
  const { training, precision } = plan.settings;
  const parts = {
    model: modelBytes(model, precision),
    adapter: (plan.trainable ?? 0) * 4 * TRAINED_COPIES[training.optim],
    activations: activationBytes(plan, model),
    runtime: RUNTIME_BYTES,
  };
  return judge(parts, engine);
}

/** The same from the engine's own plan. Checkpointing is used by itself where the rest would not fit. */
export function judgeMemory({ memory, config }: RunPlan, engine: EngineStatus): MemoryEstimate {
  const parts = { model: memory.weight_bytes, adapter: memory.trained_bytes, runtime: RUNTIME_BYTES };
  const plain = judge({ ...parts, activations: memory.activation_bytes }, engine);
  const { gradient_checkpointing: checkpointing } = config.training;
  if (checkpointing === false || (checkpointing === 'auto' && plain.verdict === 'fits')) return plain;
  return judge({ ...parts, activations: memory.checkpointed_activation_bytes }, engine);
}

function judge(
  parts: Pick<MemoryEstimate, 'model' | 'adapter' | 'activations' | 'runtime'>,
  engine: EngineStatus,
): MemoryEstimate {
  const total = parts.model + parts.adapter + parts.activations + parts.runtime;
  const available = engine.device.kind === 'gpu' ? (engine.gpus[0]?.memoryBytes ?? 0) : engine.memory.availableBytes;
  const verdict = total > available ? 'too-much' : total > available * (1 - SPARE_SHARE) ? 'tight' : 'fits';
  return { ...parts, total, available, verdict };
}

/** The model alone, for the list to choose from. */
export function modelBytes(model: ModelDetails, precision: Precision): number {
  const linear = countLinear(model);
  const width = BYTES_PER_NUMBER[precision];
  return linear * width + Math.max(0, model.parameters - linear) * width;
}

/** The same working-out as the engine's estimate-memory; checkpointing is used where it is needed to fit. */
function activationBytes(plan: Plan, model: ModelDetails): number {
  const { data, training, precision } = plan.settings;
  const hidden = model.hidden_size ?? 0;
  const heads = model.num_attention_heads ?? 1;
  const kvHeads = model.num_key_value_heads ?? heads;
  const layers = model.num_hidden_layers ?? 1;
  const inner = Math.max(
    hidden,
    ...model.linears.map(({ out_features }) => (out_features < (model.vocab_size ?? Infinity) ? out_features : 0)),
  );
  const rowTokens = data.packing ? data.max_length : Math.min(plan.sizes?.longest ?? data.max_length, data.max_length);
  const batchTokens = rowTokens * training.per_device_train_batch_size;
  const width = BYTES_PER_NUMBER[precision];
  const attention = heads * rowTokens * width * 2;
  const linears = (hidden * 4 + (heads + 2 * kvHeads) * (hidden / heads) * 3 + inner * 4) * width;
  const block = batchTokens * (linears + attention + hidden * 8);
  const kept = batchTokens * hidden * 4 * layers;
  return training.gradient_checkpointing === true ? kept + block * 3 : block * layers;
}

/** Checkpoints that are kept, one that is being written, and the result. */
export function estimateDisk(plan: Plan): number | null {
  if (plan.trainable === null) return null;
  const { training } = plan.settings;
  const checkpoint = plan.trainable * 4 * FILE_COPIES[training.optim];
  return checkpoint * (training.save_total_limit + 2) + plan.trainable * 4;
}

/** Tokens a second that one thread does times the parameters it does them with; measured with bf16 on two threads, rounded down. */
const PARAMETER_TOKENS_PER_THREAD = 2.5e10;
/** Loading, preparing, evaluating: before and between the steps. */
const OVERHEAD_MS = 8_000;

/** @param measured tokens a second of an earlier run on this model, null where there was none. @returns null where nothing is known */
export function estimateTime(
  plan: Plan,
  model: ModelDetails,
  engine: EngineStatus,
  measured: number | null,
): number | null {
  if (plan.totalTokens === null) return null;
  const guessed =
    engine.device.kind === 'gpu' ? null : (PARAMETER_TOKENS_PER_THREAD * engine.threads) / model.parameters;
  const pace = measured ?? guessed;
  return pace === null ? null : OVERHEAD_MS + (plan.totalTokens / pace) * 1000;
}
