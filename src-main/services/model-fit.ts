/**
 * @file Whether a model can be trained on this machine: a small adapter, one short row at a time, blocks recomputed, by the memory model
 * of the runs. Of the storages that fit, the widest is told.
 */
import { chooseChunks } from '../../src-shared/domain/loss-chunks.ts';
import type { ModelFit } from '../../src-shared/domain/models.ts';
import { estimateMemory, mlpWidthOf, runtimeBytes } from '../../src-shared/domain/estimate-memory.ts';
import {
  ANSWER_TOKENS,
  ENTRY_BYTES,
  ENTRY_LAYER_BYTES,
  EVALUATED_SHAPES_BYTES,
  RUNTIME_BYTES,
  SAMPLE_ANSWERS,
  SHAPES_BYTES,
  TRAINED_COPIES,
  WASM_HEAP_BYTES,
  WASM_MOST_PARAMETERS,
  WRITER_ENTRIES,
} from '../../src-shared/domain/memory-model.ts';
import type { StorageKind } from '../engine/weights/frozen-matrix.ts';
import type { RawConfig } from '../engine/models/config-reader.ts';
import type { Model } from '../engine/models/model.ts';

/** What a model is to fit into. */
export interface TrainingRoom {
  readonly availableBytes: number;
  /** There is no TensorFlow: the wasm engine computes in f32, with what it can address. */
  readonly isWasm: boolean;
}

/** Bytes of the weights in each storage. */
type StorageBytes = Readonly<Record<ModelFit['precision'], number>>;

const PRECISIONS: readonly ModelFit['precision'][] = ['bf16', 'int8', 'nf4'];
const STORAGES = { f32: 'float32', bf16: 'bfloat16', int8: 'int8', nf4: 'nf4' } as const;
/** A machine that is full to the last byte swaps. */
const SPARE_SHARE = 0.1;
const ROW_TOKENS = 512;
const RANK = 8;
/** No model has more; a configuration that says so was made to fill the memory. */
const MOST_LAYERS = 2_000;
/** Of one number of a quantized model where nothing but the count is known: embeddings stay in 16 bits. */
const ABOUT_BYTES: StorageBytes = { f32: 4, bf16: 2, int8: 1.2, nf4: 0.75 };

/** @param config config.json. @returns null where the engine cannot build the model */
export async function judgeFit(config: RawConfig, room: TrainingRoom): Promise<ModelFit | null> {
  const model = await tryModel(config);
  if (model === null) return null;
  const { planWeights } = await import('../engine/weights/plan.ts');
  const storageBytes = (storage: StorageKind) => {
    const compute = storage === 'float32' ? storage : 'bfloat16';
    return planWeights(model, { storage, doubleQuant: true, compute, trained: new Set() }).bytes;
  };
  const trainedValues = model.linears.reduce((sum, { inFeatures, outFeatures }) => {
    return sum + RANK * (inFeatures + outFeatures);
  }, 0);
  const largest = Math.max(0, ...model.linears.map(({ inFeatures, outFeatures }) => inFeatures * outFeatures));
  const parameters = model.weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const { intermediateSize, layers, vocabSize } = model.facts;
  const linears = model.linears.map(({ inFeatures, outFeatures }) => ({ inFeatures, outFeatures, count: 1 }));
  const mlpWidth = mlpWidthOf(linears, intermediateSize, layers);
  return chooseWidest(room, parameters, (precision) => {
    const compute = precision === 'f32' ? 'float32' : 'bfloat16';
    const chunks = chooseChunks(ROW_TOKENS, vocabSize, compute);
    const row = { batch: 1, rowTokens: ROW_TOKENS, labels: ROW_TOKENS, chunks, isVaried: true };
    const parts = estimateMemory({
      facts: { ...model.facts, mlpWidth },
      weightBytes: storageBytes(STORAGES[precision]),
      keptBytes: 0,
      expandedValues: precision === 'nf4' ? largest : 0,
      trainedValues,
      trainedWeights: 0,
      adapterWidth: 0,
      optim: 'adamw',
      compute,
      isWasm: room.isWasm,
      checkpointing: true,
      training: row,
      evaluation: { ...row, answers: { rows: SAMPLE_ANSWERS, promptTokens: ROW_TOKENS / 2, newTokens: ANSWER_TOKENS } },
    });
    return parts.peak_bytes;
  });
}

/** From the number of parameters alone; within a third of what `judgeFit` says for usual shapes. */
export function guessFit(parameters: number, room: TrainingRoom): ModelFit {
  const billions = parameters / 1e9;
  const layers = Math.round(18 + 10 * Math.sqrt(billions));
  const activationBytes = 0.75e9 * Math.sqrt(billions);
  const trainedBytes = 0.006 * parameters * 4 * TRAINED_COPIES.adamw;
  const shapeBytes = SHAPES_BYTES + EVALUATED_SHAPES_BYTES;
  const entryBytes = WRITER_ENTRIES * (ENTRY_BYTES + ENTRY_LAYER_BYTES * layers);
  const rest = runtimeBytes({ layers }) + entryBytes + shapeBytes + activationBytes + trainedBytes;
  return chooseWidest(room, parameters, (precision) => parameters * ABOUT_BYTES[precision] + rest);
}

function chooseWidest(
  { availableBytes: machineBytes, isWasm }: TrainingRoom,
  parameters: number,
  needOf: (precision: ModelFit['precision']) => number,
): ModelFit {
  // What Node itself takes lies beside the engine's heap.
  const availableBytes = isWasm ? Math.min(machineBytes, WASM_HEAP_BYTES + RUNTIME_BYTES) : machineBytes;
  const precisions = isWasm ? (['f32'] as const) : PRECISIONS;
  const isBeyondWasm = isWasm && parameters > WASM_MOST_PARAMETERS;
  const fits = precisions.map((precision): ModelFit => {
    const needed = needOf(precision);
    const isTight = needed > availableBytes * (1 - SPARE_SHARE);
    const verdict = isBeyondWasm || needed > availableBytes ? 'too-much' : isTight ? 'tight' : 'fits';
    const isOfWasm = isBeyondWasm || (verdict === 'too-much' && availableBytes < machineBytes);
    const bytes = { needed_bytes: Math.round(needed), available_bytes: availableBytes };
    return { verdict, precision, ...bytes, ...(isOfWasm && { limit: 'wasm' }) };
  });
  const found = fits.find(({ verdict }) => verdict === 'fits') ?? fits.find(({ verdict }) => verdict === 'tight');
  return found ?? fits.reduce((least, fit) => (fit.needed_bytes < least.needed_bytes ? fit : least));
}

async function tryModel(config: RawConfig): Promise<Model | null> {
  if (!isPlausible(config)) return null;
  const { makeModel } = await import('../engine/models/registry.ts');
  try {
    return makeModel(config);
  } catch {
    return null; // the reasons are told where the model is looked at or opened
  }
}

/** A model is laid out layer by layer, so the number of layers must be one. */
export function isPlausible(config: RawConfig): boolean {
  const entries = Object.entries(config);
  return entries.every(([key, value]) => !/layer|block/.test(key) || typeof value !== 'number' || value <= MOST_LAYERS);
}
