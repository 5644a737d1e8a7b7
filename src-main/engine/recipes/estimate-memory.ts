/**
 * @file How much memory a training run takes at its peak, worked out from sizes before anything is loaded.
 *
 * What a block keeps for its backward pass is counted tensor by tensor; the factors on the counts, and what the runtime and a compiled
 * layer take by themselves, are fitted to measured runs (test/bench/memory.ts). It holds for the compiled step on a CPU.
 */
import {
  ATTENTION_FACTOR,
  EXPANDED_FACTOR,
  HEAD_FACTOR,
  INPUT_FACTOR,
  KEPT_FACTOR,
  LAYER_BYTES,
  LOGITS_FACTOR,
  RUNTIME_BYTES,
  TRAINED_COPIES,
  WEIGHT_COPIES,
  WORK_ATTENTION_FACTOR,
  WORK_FACTOR,
} from '../../../src-shared/domain/memory-model.ts';
import type { PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import type { TrainingConfig } from '../../../src-shared/schema/run-config.ts';
import type { FloatDType } from '../device/dtype.ts';
import type { ModelFacts } from '../models/model.ts';

export interface MemoryNeed {
  readonly facts: ModelFacts;
  /** Frozen weights as they are stored, and expanded copies beside them. */
  readonly weightBytes: number;
  readonly keptBytes: number;
  /** Values of the largest matrix that is expanded with each use; 0 = none is. */
  readonly expandedValues: number;
  /** Values that are trained, and those among them that are weights of the model itself. */
  readonly trainedValues: number;
  readonly trainedWeights: number;
  readonly optim: TrainingConfig['optim'];
  readonly compute: FloatDType;
  readonly checkpointing: boolean;
  /** Rows of a batch, and tokens of its longest row. */
  readonly batch: number;
  readonly rowTokens: number;
  /** Most labelled tokens of a batch, and the pieces that its loss is cut into. */
  readonly labels: number;
  readonly chunks: number;
  /** Adapted linears of one layer: values beyond the block's own that are kept for each token (DoRA, dropout). */
  readonly adapterWidth: number;
}

export type MemoryParts = Pick<
  PlannedMemory,
  'runtime_bytes' | 'weight_bytes' | 'cache_bytes' | 'trained_bytes' | 'activation_bytes' | 'peak_bytes'
>;

/** Bytes by part, and their sum. */
export function estimateMemory(need: MemoryNeed): MemoryParts {
  const { facts, trainedValues, trainedWeights, optim } = need;
  const parts = {
    runtime_bytes: runtimeBytes(facts),
    weight_bytes: need.weightBytes,
    cache_bytes: need.keptBytes,
    trained_bytes: 4 * (trainedValues * TRAINED_COPIES[optim] + trainedWeights * WEIGHT_COPIES),
    activation_bytes: activationBytes(need),
  };
  return { ...parts, peak_bytes: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

/** What Node and the engine take by themselves. */
export function runtimeBytes({ layers }: Pick<ModelFacts, 'layers'>): number {
  return RUNTIME_BYTES + LAYER_BYTES * layers;
}

function activationBytes(need: MemoryNeed): number {
  const { facts, compute, batch, rowTokens, labels, chunks, checkpointing } = need;
  const tokens = batch * rowTokens;
  const width = compute === 'bfloat16' ? 2 : 4;
  const attention = tokens * facts.heads * rowTokens;
  const block = tokens * tokenBytes(need, width) * KEPT_FACTOR + attention * width * ATTENTION_FACTOR;
  const inputs = tokens * facts.hiddenSize * 4 * INPUT_FACTOR;
  const work = tokens * tokenBytes(need, 4) * WORK_FACTOR + attention * 4 * WORK_ATTENTION_FACTOR;
  const head = facts.vocabSize * facts.hiddenSize * width * HEAD_FACTOR;
  const logits = (labels / chunks) * facts.vocabSize * 4 * LOGITS_FACTOR + head;
  const expanded = need.expandedValues * 4 * EXPANDED_FACTOR;
  return (checkpointing ? inputs : block) * facts.layers + work + logits + expanded;
}

/** What a block keeps of each token: its input twice in f32; two norms, q, k, v, attention and the MLP in a width of its own. */
function tokenBytes({ facts, adapterWidth }: MemoryNeed, width: number): number {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = facts;
  const linears = 2 * hiddenSize + (3 * heads + 2 * kvHeads) * headDim + 3 * intermediateSize + adapterWidth;
  return 8 * hiddenSize + width * linears;
}
