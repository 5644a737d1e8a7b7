/**
 * @file A tiny model on the device with everything a run has: weights, adapter, optimizer, and all entries in either mode.
 *
 * Put together from the same parts as the recipes, without files of data, reports and checkpoints.
 */
import { CompiledProgram } from '../../../../src-main/engine/compile/compiled-program.ts';
import { EagerProgram } from '../../../../src-main/engine/compile/eager-program.ts';
import type { Entry, Program, ProgramOptions } from '../../../../src-main/engine/compile/program.ts';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import type { FloatDType } from '../../../../src-main/engine/device/dtype.ts';
import type { ValueId, Variable } from '../../../../src-main/engine/device/runner.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import type { LanguageModel } from '../../../../src-main/engine/models/model.ts';
import { requireWriter } from '../../../../src-main/engine/models/registry.ts';
import { makeOptimizer } from '../../../../src-main/engine/optim/make-optimizer.ts';
import type { Optimizer } from '../../../../src-main/engine/optim/optimizer.ts';
import { attachPeft } from '../../../../src-main/engine/peft/attach.ts';
import { PEFT_DEFAULTS } from '../../../../src-main/engine/peft/defaults.ts';
import { openModel } from '../../../../src-main/engine/recipes/open-model.ts';
import { uploadBuckets } from '../../../../src-main/engine/recipes/upload-buckets.ts';
import { evaluateEntry, logitsEntry } from '../../../../src-main/engine/steps/evaluate-step.ts';
import { cacheVariables, generateEntries } from '../../../../src-main/engine/steps/generate-step.ts';
import { languageTask } from '../../../../src-main/engine/steps/language-task.ts';
import { shardedTask } from '../../../../src-main/engine/steps/sharded-task.ts';
import type { StepTask } from '../../../../src-main/engine/steps/step-task.ts';
import { TableCache } from '../../../../src-main/engine/steps/token-inputs.ts';
import { trainEntries, trainVariables } from '../../../../src-main/engine/steps/train-step.ts';
import type { StorageKind } from '../../../../src-main/engine/weights/frozen-matrix.ts';
import { copyToDevice, loadWeights } from '../../../../src-main/engine/weights/load-weights.ts';
import { planVariables, planWeights } from '../../../../src-main/engine/weights/plan.ts';
import { type Bucket, makeBuckets, unpackValues } from '../../../../src-main/engine/weights/trainables.ts';
import type { PeftConfig, TrainingConfig } from '../../../../src-shared/schema/run-config.ts';

export interface TinyRunOptions {
  readonly binding: TensorFlowBinding;
  /** Model folder, for instance of `writeRandomModel`. */
  readonly dir: string;
  readonly mode: Program['mode'];
  /** Laid over the defaults; B is not zero, so that every tensor has a gradient from the start. */
  readonly peft?: Partial<PeftConfig>;
  readonly compute?: FloatDType;
  /** As the products' where left out. */
  readonly storage?: StorageKind;
  readonly keptBytes?: number;
  readonly optim?: TrainingConfig['optim'];
  readonly weightDecay?: number;
  readonly checkpointing?: boolean;
  readonly attentionParts?: number;
  readonly chunks?: number;
  /** Parts that a batch is computed in, side by side. */
  readonly shards?: number;
  /** Updates are computed beside the weights. */
  readonly folded?: boolean;
  /** Chains between products run as kernels of their own. */
  readonly fuses?: boolean;
  readonly accumulate?: boolean;
  /** What an eager run calls in place of the binding. */
  readonly device?: Device;
  readonly wrapEntry?: (entry: Entry) => Entry;
}

export type Values = Map<string, Float32Array<ArrayBuffer>>;

export interface TinyRun {
  readonly model: LanguageModel;
  readonly program: Program;
  readonly options: ProgramOptions;
  readonly optimizer: Optimizer;
  readonly tables: TableCache;
  readonly task: StepTask;
  readonly accumulate: boolean;
  readonly buckets: readonly Bucket[];
  /** Trained tensors by name. */
  tensors(): Values;
  dispose(): void;
}

const ADAM = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, momentum: 0 };

/** Builds the run; nothing has been called. */
export async function openTinyRun(run: TinyRunOptions): Promise<TinyRun> {
  const { binding, compute = 'float32', chunks = 2, accumulate = false, wrapEntry = (entry) => entry } = run;
  const device = run.device ?? binding;
  const { model: opened, folder } = await openModel(run.dir);
  const model = requireWriter(opened);
  try {
    const peft = { ...PEFT_DEFAULTS, init_lora_weights: false, r: 3, ...run.peft };
    const setup = await attachPeft({ model, folder, peft, loraPlus: null, seed: 1 });
    const trained = new Set(setup.trainables.map(({ name }) => name));
    const plan = planWeights(model, {
      ...{ storage: run.storage ?? compute, compute, doubleQuant: false, trained },
      folded: run.folded ?? false,
      keptBytes: run.keptBytes ?? 0,
    });
    const buckets = makeBuckets(setup.trainables);
    const optimizer = makeOptimizer({ ...ADAM, optim: run.optim ?? 'adamw' } as TrainingConfig);
    const forward = { model, plan, buckets };
    const tables = new TableCache(model);
    const task = shardedTask(languageTask({ model, tables, chunks, coarse: run.fuses ?? false }), run.shards ?? 1);
    const step = {
      ...{ task, plan, buckets, optimizer, accumulate },
      weightDecay: run.weightDecay ?? 0,
      checkpointing: run.checkpointing ?? false,
      attentionParts: run.attentionParts ?? 1,
      fuses: run.fuses ?? false,
    };
    const { state, sums } = trainVariables(step);
    const options: ProgramOptions = {
      entries: [
        ...trainEntries(step),
        evaluateEntry({ ...forward, task }),
        logitsEntry(forward),
        ...generateEntries(forward),
      ].map(wrapEntry),
      groups: { frozen: planVariables(plan), state, sums, cache: cacheVariables(model, plan) },
    };
    const program = run.mode === 'eager' ? new EagerProgram(device, options) : new CompiledProgram(binding, options);
    program.setVariables('frozen', await loadWeights({ device, folder, plan, replaced: setup.replaced }));
    const starting = await uploadBuckets(device, buckets, setup.trainables);
    program.setVariables('state', withZeros(device, state, starting));
    program.setVariables('sums', withZeros(device, sums, new Map()));
    return {
      ...{ model, program, options, optimizer, task, tables, accumulate, buckets },
      tensors: () => tensorsOf(buckets, program.readVariables('state')),
      dispose: () => program.dispose(),
    };
  } finally {
    await folder.close();
  }
}

function tensorsOf(buckets: readonly Bucket[], state: Values): Values {
  return new Map(buckets.flatMap((bucket) => unpackValues(bucket, state.get(bucket.variable.name)!)));
}

function withZeros(
  device: Device,
  variables: readonly Variable[],
  values: ReadonlyMap<string, ValueId>,
): Map<string, ValueId> {
  const all = new Map(values);
  for (const { name, shape } of variables) {
    if (all.has(name)) continue;
    const zeros = new Float32Array(shape.reduce((product, size) => product * size, 1));
    all.set(name, copyToDevice(device, zeros, 'float32', shape, 'float32'));
  }
  return all;
}
