/**
 * @file How much memory a training run takes at its peak, worked out from sizes before anything is loaded.
 *
 * What a block keeps for its backward pass is counted tensor by tensor; the factors on the counts, and what the runtime and a compiled
 * layer take by themselves, are fitted to measured runs (test/bench/memory.ts). It holds for the compiled step on a CPU, fused or not.
 * Training, evaluation and answers take turns, so the largest of them counts; what each of them keeps from one time to the next is added up.
 * Engine and wizard work with the same formula, so that their figures cannot part.
 */
import {
  ATTENTION_FACTOR,
  CLASSIFIER_ENTRIES,
  ENTRY_BYTES,
  ENTRY_LAYER_BYTES,
  EVALUATED_SHAPES_BYTES,
  EXPANDED_FACTOR,
  FUSED_BYTES,
  FUSED_KEPT_FACTOR,
  FUSED_SIZE_BYTES,
  FUSED_WORK_FACTOR,
  HEAD_FACTOR,
  INPUT_FACTOR,
  KEPT_FACTOR,
  LABELS_BYTES,
  LAYER_BYTES,
  LOGITS_FACTOR,
  MOST_LABEL_NUMBERS,
  MOST_SIZES,
  READING_FACTOR,
  RUNTIME_BYTES,
  SHAPES_BYTES,
  SIZE_BYTES,
  TRAINED_COPIES,
  WASM_FACTOR,
  WEIGHT_COPIES,
  WORK_ATTENTION_FACTOR,
  WORK_FACTOR,
  WRITER_ENTRIES,
} from './memory-model.ts';
import type { PlannedMemory } from './run-plan.ts';
import type { TrainingConfig } from '../schema/run-config.ts';

/** Sizes of a model. */
export interface MemoryFacts {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Values that the feed-forward part of a block makes of a token (`mlpWidthOf`). */
  readonly mlpWidth: number;
  /** Encoder-decoders: how many of the layers are the decoder's. */
  readonly decoderLayers?: number;
}

export interface MemoryNeed {
  readonly facts: MemoryFacts;
  /** Frozen weights as they are stored, and expanded copies beside them. */
  readonly weightBytes: number;
  readonly keptBytes: number;
  /** Values of the largest matrix that is expanded with each use; 0 = none is. */
  readonly expandedValues: number;
  /** Values that are trained, and those among them that are weights of the model itself. */
  readonly trainedValues: number;
  readonly trainedWeights: number;
  readonly optim: TrainingConfig['optim'];
  readonly compute: 'float32' | 'bfloat16';
  /** Steps run op by op on the wasm engine. */
  readonly isWasm?: boolean;
  /** What lies between the products of a training step runs as compiled kernels. */
  readonly isFused?: boolean;
  readonly checkpointing: boolean;
  /** A batch of the longest rows. */
  readonly training: BatchNeed;
  /** Adapted linears of one layer: values beyond the block's own that are kept for each token (DoRA, dropout). */
  readonly adapterWidth: number;
  /** Between the steps; null = nothing is held out. */
  readonly evaluation: EvaluationNeed | null;
}

export interface BatchNeed {
  readonly batch: number;
  /** Tokens of the longest row. */
  readonly rowTokens: number;
  /** Most labelled tokens of a batch, and the pieces that its loss is cut into. */
  readonly labels: number;
  readonly chunks: number;
  /** Batches differ in their number of tokens or labels. */
  readonly isVaried: boolean;
  /** How many different sizes and numbers of labels batches have; left out = not known. */
  readonly shapes?: { readonly sizes: number; readonly labels: number };
}

export interface EvaluationNeed extends BatchNeed {
  readonly answers: AnswersNeed;
}

/** Written at once, as far as there are any. */
export interface AnswersNeed {
  readonly rows: number;
  /** Of the longest prompt, and of what is written to it at most. */
  readonly promptTokens: number;
  readonly newTokens: number;
}

export type MemoryParts = Pick<
  PlannedMemory,
  | 'runtime_bytes'
  | 'weight_bytes'
  | 'cache_bytes'
  | 'trained_bytes'
  | 'answer_cache_bytes'
  | 'activation_bytes'
  | 'evaluation_bytes'
  | 'peak_bytes'
>;

/** Bytes by part, and their peak. */
export function estimateMemory(need: MemoryNeed): MemoryParts {
  const { trainedValues, trainedWeights, optim, evaluation } = need;
  const lasting = {
    runtime_bytes: compiledBytes(need),
    weight_bytes: need.weightBytes,
    cache_bytes: need.keptBytes,
    trained_bytes: 4 * (trainedValues * TRAINED_COPIES[optim] + trainedWeights * WEIGHT_COPIES),
    answer_cache_bytes: evaluation ? answerCacheBytes(need, evaluation.answers) : 0,
  };
  const factor = need.isWasm ? WASM_FACTOR : 1;
  const turns = {
    activation_bytes: factor * activationBytes(need),
    evaluation_bytes: evaluation ? factor * evaluationBytes(need, evaluation) : 0,
  };
  const sum = Object.values(lasting).reduce((total, bytes) => total + bytes, 0);
  return { ...lasting, ...turns, peak_bytes: sum + Math.max(...Object.values(turns)) };
}

/** What Node and the engine take by themselves. */
export function runtimeBytes({ layers }: Pick<MemoryFacts, 'layers'>): number {
  return RUNTIME_BYTES + LAYER_BYTES * layers;
}

/** With the entries beside the step, and the products that are prepared for shapes. */
function compiledBytes({ facts, training, evaluation, isFused }: MemoryNeed): number {
  const kernels = isFused ? FUSED_BYTES + (training.shapes?.sizes ?? 1) * FUSED_SIZE_BYTES : 0;
  const plain = runtimeBytes(facts) + kernels + shapesBytes(training);
  if (!evaluation) return plain;
  const entries = evaluation.answers.newTokens > 0 ? WRITER_ENTRIES : CLASSIFIER_ENTRIES;
  const least = evaluation.isVaried ? EVALUATED_SHAPES_BYTES : 0;
  // Steps that fuse have other sizes than evaluations, so that none of these is there already.
  const shapes = isFused ? Math.max(least, shapesBytes(evaluation)) : least;
  return plain + entries * (ENTRY_BYTES + ENTRY_LAYER_BYTES * facts.layers) + shapes;
}

function shapesBytes({ isVaried, shapes }: BatchNeed): number {
  if (!isVaried) return 0;
  if (shapes === undefined) return SHAPES_BYTES;
  const { sizes, labels } = shapes;
  return Math.min(sizes, MOST_SIZES) * SIZE_BYTES + Math.min(labels, MOST_LABEL_NUMBERS) * LABELS_BYTES;
}

function activationBytes(need: MemoryNeed): number {
  const { facts, training, checkpointing, isFused } = need;
  const [keptFactor, workFactor] = isFused ? [FUSED_KEPT_FACTOR, FUSED_WORK_FACTOR] : [KEPT_FACTOR, WORK_FACTOR];
  const tokens = training.batch * training.rowTokens;
  const width = widthOf(need);
  const attention = attentionValues(need, training);
  const block = tokens * tokenBytes(need, width) * keptFactor + attention * width * ATTENTION_FACTOR;
  const inputs = tokens * facts.hiddenSize * 4 * INPUT_FACTOR;
  const work = tokens * tokenBytes(need, 4) * workFactor + attention * 4 * WORK_ATTENTION_FACTOR;
  const expanded = expandedBytes(need);
  return (checkpointing ? inputs : block) * facts.layers + work + logitBytes(need, training) + expanded;
}

/** Nothing is kept of a block that was read. */
function evaluationBytes(need: MemoryNeed, evaluation: EvaluationNeed): number {
  const { rows, promptTokens } = evaluation.answers;
  const answers = { batch: rows, rowTokens: promptTokens, labels: rows, chunks: 1 };
  return Math.max(readingBytes(need, evaluation), readingBytes(need, answers)) + expandedBytes(need);
}

function readingBytes(need: MemoryNeed, read: Omit<BatchNeed, 'isVaried'>): number {
  const tokens = read.batch * read.rowTokens;
  const attention = attentionValues(need, read) * 4 * WORK_ATTENTION_FACTOR;
  return tokens * tokenBytes(need, 4) * READING_FACTOR + attention + logitBytes(need, read);
}

/** Keys and values of each layer that writes, and of what an encoder-decoder has read. */
function answerCacheBytes(need: MemoryNeed, { rows, promptTokens, newTokens }: AnswersNeed): number {
  const { layers, decoderLayers = layers, kvHeads, headDim } = need.facts;
  return 2 * decoderLayers * rows * (promptTokens + newTokens) * kvHeads * headDim * widthOf(need);
}

const widthOf = ({ compute }: MemoryNeed): number => (compute === 'bfloat16' ? 2 : 4);

const attentionValues = ({ facts }: MemoryNeed, { batch, rowTokens }: Pick<BatchNeed, 'batch' | 'rowTokens'>): number =>
  batch * rowTokens * facts.heads * rowTokens;

/** One piece of the logits, and the head in the order that its product wants. */
function logitBytes(need: MemoryNeed, { labels, chunks }: Pick<BatchNeed, 'labels' | 'chunks'>): number {
  const { vocabSize, hiddenSize } = need.facts;
  // A classifier scores no words.
  if (labels === 0) return 0;
  return (labels / chunks) * vocabSize * 4 * LOGITS_FACTOR + vocabSize * hiddenSize * widthOf(need) * HEAD_FACTOR;
}

const expandedBytes = ({ expandedValues }: MemoryNeed): number => expandedValues * 4 * EXPANDED_FACTOR;

/** What a block keeps of each token: its input twice in f32; two norms, q, k, v, attention and the MLP in a width of its own. */
function tokenBytes({ facts, adapterWidth }: MemoryNeed, width: number): number {
  const { hiddenSize, mlpWidth, heads, kvHeads, headDim } = facts;
  const linears = 2 * hiddenSize + (3 * heads + 2 * kvHeads) * headDim + mlpWidth + adapterWidth;
  return 8 * hiddenSize + width * linears;
}

/**
 * What goes into and comes out of the feed-forward part's inner side, for each token of a block: of a gated one gate, up and their product,
 * of a plain one what the activation is given and gives.
 * @param linears of all layers @param inner the width in there
 */
export function mlpWidthOf(linears: readonly LinearSizes[], inner: number, layers: number): number {
  const values = linears.reduce((sum, { inFeatures, outFeatures, count }) => {
    const made = outFeatures === inner || outFeatures === 2 * inner ? outFeatures : 0;
    return sum + count * (made + (inFeatures === inner ? inner : 0));
  }, 0);
  return values / Math.max(1, layers);
}

export interface LinearSizes {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** How many there are of them. */
  readonly count: number;
}
