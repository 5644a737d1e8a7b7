/**
 * @file What a plan costs: memory by part, disk, time. Worked out at once with each change, by the engine's own formula, as far as its
 * sizes can be known here; `judgeMemory` takes the engine's plan, which knows the rest.
 */
import { chooseChunks } from '../../../src-shared/domain/loss-chunks.ts';
import type { EngineStatus } from '../../../src-shared/domain/machine.ts';
import {
  type BatchNeed,
  estimateMemory as estimateParts,
  type MemoryFacts,
  mlpWidthOf,
} from '../../../src-shared/domain/estimate-memory.ts';
import {
  ANSWER_TOKENS,
  RUNTIME_BYTES,
  SAMPLE_ANSWERS,
  WASM_HEAP_BYTES,
} from '../../../src-shared/domain/memory-model.ts';
import type { ModelDetails } from '../../../src-shared/domain/models.ts';
import type { PlannedMemory, RunPlan } from '../../../src-shared/domain/run-plan.ts';
import type { TrainingConfig } from '../../../src-shared/schema/run-config.ts';
import { type Precision, usesSmallEngine } from './offers.ts';
import type { Plan } from './plan.ts';
import { countLinear } from './trainable.ts';

/** Values in a checkpoint for each trained one. */
const FILE_COPIES: Readonly<Record<TrainingConfig['optim'], number>> = {
  adamw: 3,
  adam: 3,
  lion: 2,
  sgd: 2,
  adafactor: 2,
};
/** Bytes of one number of a layer's matrix; the scales of quantized ones included. */
const LINEAR_BYTES: Readonly<Record<Precision, number>> = { none: 4, bf16: 2, int8: 1.01, nf4: 0.516 };
/** A machine that is full to the last byte swaps. */
const SPARE_SHARE = 0.1;

export interface MemoryEstimate {
  readonly model: number;
  readonly adapter: number;
  readonly activations: number;
  readonly runtime: number;
  readonly total: number;
  /** What this machine can give now. */
  readonly available: number;
  readonly verdict: 'fits' | 'tight' | 'too-much';
  /** `wasm` where it is the small engine that can use no more. */
  readonly limit: PlannedMemory['limit'];
}

/** Checkpointing is used where the run would not fit without, unless it was switched off. */
export function estimateMemory(plan: Plan, model: ModelDetails, engine: EngineStatus): MemoryEstimate {
  const estimate = (checkpointing: boolean): MemoryEstimate =>
    judge(partsOf(plan, model, checkpointing, usesSmallEngine(engine)), roomOf(engine));
  const asked = plan.settings.training.gradient_checkpointing;
  if (asked !== 'auto') return estimate(asked);
  const plain = estimate(false);
  return plain.verdict === 'fits' ? plain : estimate(true);
}

/** The same from the engine's own plan, corrected by what earlier runs took. */
export function judgeMemory({ memory }: RunPlan): MemoryEstimate {
  const { correction } = memory;
  const steps = memory.checkpointing ? memory.checkpointed_activation_bytes : memory.activation_bytes;
  const activations = memory.answer_cache_bytes + Math.max(steps, memory.evaluation_bytes);
  return judge(
    {
      model: (memory.weight_bytes + memory.cache_bytes) * correction,
      adapter: memory.trained_bytes * correction,
      activations: activations * correction,
      runtime: memory.runtime_bytes * correction,
    },
    { available: memory.available_bytes, limit: memory.limit },
    memory.fits,
  );
}

/** The model alone. Embeddings and norms are not quantized. */
export function modelBytes(model: ModelDetails, precision: Precision): number {
  const linear = countLinear(model);
  return linear * LINEAR_BYTES[precision] + Math.max(0, model.parameters - linear) * (precision === 'none' ? 4 : 2);
}

function judge(
  parts: Pick<MemoryEstimate, 'model' | 'adapter' | 'activations' | 'runtime'>,
  { available, limit }: Pick<MemoryEstimate, 'available' | 'limit'>,
  fits?: boolean,
): MemoryEstimate {
  const total = parts.model + parts.adapter + parts.activations + parts.runtime;
  const isTooMuch = fits === undefined ? total > available : !fits;
  const verdict = isTooMuch ? 'too-much' : total > available * (1 - SPARE_SHARE) ? 'tight' : 'fits';
  return { ...parts, total, available, verdict, limit };
}

/** What Node itself takes lies beside the small engine's heap. */
function roomOf({ device, gpus, memory, runtime }: EngineStatus): Pick<MemoryEstimate, 'available' | 'limit'> {
  const machine = device.kind === 'gpu' ? (gpus[0]?.freeBytes ?? 0) : memory.availableBytes;
  const addressable = usesSmallEngine({ runtime }) ? WASM_HEAP_BYTES + RUNTIME_BYTES : Infinity;
  return addressable < machine ? { available: addressable, limit: 'wasm' } : { available: machine, limit: undefined };
}

function partsOf(plan: Plan, model: ModelDetails, checkpointing: boolean, isWasm: boolean) {
  const { training, precision, peft } = plan.settings;
  const batch = batchOf(plan, model, training.per_device_train_batch_size);
  const memory = estimateParts({
    facts: factsOf(model),
    weightBytes: modelBytes(model, precision),
    keptBytes: 0,
    expandedValues: 0,
    trainedValues: plan.trainable ?? 0,
    trainedWeights: peft.peft_type === 'NONE' ? (plan.trainable ?? 0) : 0,
    optim: training.optim,
    compute: computeOf(precision),
    isWasm,
    checkpointing,
    training: batch,
    adapterWidth: 0,
    evaluation: evaluationOf(plan, model),
  });
  return {
    model: memory.weight_bytes,
    adapter: memory.trained_bytes,
    runtime: memory.runtime_bytes,
    activations: memory.answer_cache_bytes + Math.max(memory.activation_bytes, memory.evaluation_bytes),
  };
}

const computeOf = (precision: Precision) => (precision === 'none' ? 'float32' : 'bfloat16');

/** Rows of all lengths are taken for granted: which there are is the engine's to know. */
function batchOf(
  { sizes, settings }: Plan,
  model: ModelDetails,
  batch: number,
  isPacked = settings.data.packing,
): BatchNeed {
  const { data } = settings;
  const rowTokens = isPacked ? data.max_length : Math.min(sizes?.longest ?? data.max_length, data.max_length);
  const share = data.completion_only_loss && sizes?.epochLength ? (sizes.epochSupervised ?? 0) / sizes.epochLength : 1;
  const labels = batch * rowTokens * Math.min(1, share);
  const chunks = chooseChunks(labels, model.vocab_size ?? 0, computeOf(settings.precision));
  return { batch, rowTokens, labels, chunks, isVaried: true };
}

/** Held-out rows are read as they are; answers are written to the first of them, or to the person's own prompts. */
function evaluationOf(plan: Plan, model: ModelDetails) {
  const evalRows = plan.sizes?.evalRows ?? 0;
  if (evalRows === 0) return null;
  const { training } = plan.settings;
  const read = batchOf(plan, model, Math.min(evalRows, training.per_device_eval_batch_size), false);
  const rows = training.sample_prompts.length || SAMPLE_ANSWERS;
  return { ...read, answers: { rows, promptTokens: read.rowTokens, newTokens: ANSWER_TOKENS } };
}

function factsOf(model: ModelDetails): MemoryFacts {
  const heads = model.num_attention_heads ?? 1;
  const outputOf = (name: string): number | undefined =>
    model.linears.find((group) => group.name === name)?.out_features;
  const query = outputOf('q_proj') ?? model.hidden_size ?? 0;
  const headDim = query / heads;
  const linears = model.linears.map(({ in_features, out_features, layers }) => {
    return { inFeatures: in_features, outFeatures: out_features, count: layers.length };
  });
  const keys = outputOf('k_proj') ?? (query * (model.num_key_value_heads ?? 1)) / heads;
  return {
    vocabSize: model.vocab_size ?? 0,
    hiddenSize: model.hidden_size ?? 0,
    layers: model.num_hidden_layers ?? 0,
    heads,
    kvHeads: headDim === 0 ? 0 : keys / headDim,
    headDim,
    mlpWidth: mlpWidthOf(linears, innerWidth(model), model.num_hidden_layers ?? 0),
  };
}

/** Width of the feed-forward part: what its last matrix takes in. */
function innerWidth({ linears, hidden_size }: ModelDetails): number {
  const inLayers = linears.filter(({ layers }) => layers.length > 0);
  return Math.max(hidden_size ?? 0, ...inLayers.map(({ in_features }) => in_features));
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
  const isGpu = engine.device.kind === 'gpu';
  const guessed = isGpu ? null : (PARAMETER_TOKENS_PER_THREAD * engine.threads) / model.parameters;
  const pace = measured ?? guessed;
  return pace === null ? null : OVERHEAD_MS + (plan.totalTokens / pace) * 1000;
}
