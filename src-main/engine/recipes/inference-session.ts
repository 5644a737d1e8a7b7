/**
 * @file A model with its adapter, loaded to compute with and not to train: what logits, evaluation and generation share.
 */
import type { QuantizationConfig } from '../../../src-shared/schema/run-config.ts';
import type { Program } from '../compile/program.ts';
import { readCardMemory } from '../device/card-memory.ts';
import type { FloatDType } from '../device/dtype.ts';
import { storedKindOf } from '../formats/bitsandbytes.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import type { AnyModel } from '../models/model.ts';
import { loadAdapter } from '../peft/load-adapter.ts';
import type { PeftSetup } from '../peft/types.ts';
import type { ForwardOptions } from '../steps/evaluate-step.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { StorageKind } from '../weights/frozen-matrix.ts';
import { loadWeights } from '../weights/load-weights.ts';
import { planVariables, planWeights, type WeightPlan } from '../weights/plan.ts';
import { type Bucket, makeBuckets } from '../weights/trainables.ts';
import type { EngineHost, ModelSource } from './contract.ts';
import { type Engine, makeProgram, openEngine, wantedMode } from './open-engine.ts';
import { type OpenModel, openModelFor, requireHead } from './open-model.ts';
import type { SessionParts } from './task.ts';
import { chooseKeptBytes } from './weight-cache.ts';
import { uploadBuckets } from './upload-buckets.ts';
import { requireWasmCan } from './wasm-limits.ts';

export interface InferenceSession {
  readonly model: AnyModel;
  readonly opened: OpenModel;
  readonly program: Program;
  readonly compute: FloatDType;
  readonly plan: WeightPlan;
  /** config.json and generation_config.json stay readable; the weights' files are closed. */
  readonly folder: ModelFolder;
  readonly tokenizer: () => Promise<Tokenizer>;
  dispose(): void;
}

/** How the weights are kept and what products run in. */
export interface Precision {
  readonly storage: StorageKind;
  readonly compute: FloatDType;
  readonly doubleQuant: boolean;
}

/** What a quantization setting means on the device. */
export function precisionOf({ method, double_quant: doubleQuant }: QuantizationConfig): Precision {
  switch (method) {
    case 'none':
      return { storage: 'float32', compute: 'float32', doubleQuant };
    case 'bf16':
      return { storage: 'bfloat16', compute: 'bfloat16', doubleQuant };
    case 'int8':
    case 'nf4':
      return { storage: method, compute: 'bfloat16', doubleQuant };
  }
}

/** As in the file: a model stored in 8 or 4 bits stays so; all others are computed in f32 unless something else is asked for. */
export function quantizationFor(folder: ModelFolder, wanted: Partial<QuantizationConfig> = {}): QuantizationConfig {
  const kinds = folder.names().map((name) => storedKindOf(folder, name));
  const stored = kinds.find((kind) => kind !== null) ?? null;
  const nested = folder.names().some((name) => folder.has(`${name}.nested_absmax`));
  return {
    method: wanted.method ?? stored ?? 'none',
    double_quant: wanted.double_quant ?? (stored === 'nf4' ? nested : true),
  };
}

/** Opens, plans, builds and loads. @throws what opening the model, the adapter and the engine throw */
export async function openInferenceSession(
  host: EngineHost,
  source: ModelSource,
  makeParts: (options: ForwardOptions & { readonly opened: OpenModel }) => SessionParts | Promise<SessionParts>,
): Promise<InferenceSession> {
  const opened = await openModelFor(source.modelDir, source.adapterDir);
  const { model, folder, tokenizer } = opened;
  try {
    const adapter = source.adapterDir === null ? null : await loadAdapter({ model, folder, dir: source.adapterDir });
    const quantization = quantizationFor(folder, source.quantization);
    if (host.bindingPath === null) requireWasmCan({ model, quantization, trained: 0 });
    const engine = await openEngine(host);
    const precision = precisionOf(quantization);
    const trained = new Set(adapter?.trainables.map(({ name }) => name) ?? []);
    requireHead(opened, trained);
    const needed = planWeights(model, { ...precision, trained }).bytes;
    const plan = planWeights(model, {
      ...precision,
      trained,
      keptBytes: chooseKeptBytes(needed, readCardMemory(host.bindingPath)),
    });
    const buckets = makeBuckets(adapter?.trainables ?? []);
    const parts = await makeParts({ opened, model, plan, buckets });
    const groups = {
      frozen: planVariables(plan),
      state: buckets.map(({ variable }) => variable),
      scratch: parts.scratch ?? [],
    };
    const program = makeProgram(engine, wantedMode(engine), { entries: parts.entries, groups });
    await loadAll({ engine, program, folder, plan, buckets, adapter, host });
    return { model, opened, program, compute: plan.compute, plan, folder, tokenizer, dispose: () => program.dispose() };
  } finally {
    await folder.close();
  }
}

interface LoadOptions {
  readonly engine: Engine;
  readonly program: Program;
  readonly folder: ModelFolder;
  readonly plan: WeightPlan;
  readonly buckets: readonly Bucket[];
  readonly adapter: PeftSetup | null;
  readonly host: EngineHost;
}

async function loadAll({ engine, program, folder, plan, buckets, adapter, host }: LoadOptions): Promise<void> {
  const replaced = adapter?.replaced ?? new Map();
  const onProgress = (fraction: number): void =>
    host.report({ event: 'progress', phase: 'Loading the model', fraction });
  const frozen = await loadWeights({
    device: engine.device,
    folder,
    plan,
    replaced,
    signal: host.signal,
    onProgress,
  });
  program.setVariables('frozen', frozen);
  program.setVariables('state', await uploadBuckets(engine.device, buckets, adapter?.trainables ?? []));
}
