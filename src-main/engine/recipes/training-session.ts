/**
 * @file A loaded model with its adapter, optimizer and compiled steps, ready to train; and its exact state as files.
 */
import path from 'node:path';
import type { Entry, Program } from '../compile/program.ts';
import type { Variable, ValueId } from '../device/runner.ts';
import { toBindingAttrs } from '../device/eager-runner.ts';
import { encodeFloats } from '../formats/tensor-data.ts';
import { streamSafetensors } from '../formats/safetensors.ts';
import { makeOptimizer } from '../optim/make-optimizer.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { evaluateEntry } from '../steps/evaluate-step.ts';
import { shardedTask } from '../steps/sharded-task.ts';
import type { StepTask } from '../steps/step-task.ts';
import { TableCache } from '../steps/token-inputs.ts';
import { trainEntries, trainVariables, type TrainStepOptions } from '../steps/train-step.ts';
import { copyToDevice, loadWeights } from '../weights/load-weights.ts';
import { planVariables, planWeights } from '../weights/plan.ts';
import { type Bucket, makeBuckets, unpackValues } from '../weights/trainables.ts';
import type { EngineHost, FileSet, LoadedCheckpoint } from './contract.ts';
import { precisionOf } from './inference-session.ts';
import type { Execution } from './execution.ts';
import type { Engine } from './open-engine.ts';
import type { PreparedRun } from './prepare-run.ts';
import { probeStep, type StartOptions, startProgram } from './start-program.ts';
import { readStateFile } from './state-file.ts';
import { uploadBuckets } from './upload-buckets.ts';

export interface TrainingSession {
  readonly program: Program;
  readonly optimizer: Optimizer;
  /** What the entries `train` and `evaluate` were made of. */
  readonly steps: { readonly train: StepTask; readonly evaluate: StepTask };
  readonly execution: Execution;
  /** Values that are trained. */
  readonly trainedValues: number;
  /** Trained tensors as they are now. */
  tensors(): Map<string, Float32Array<ArrayBuffer>>;
  /** The adapter and the optimizer's state, exactly. */
  files(): Promise<FileSet>;
  dispose(): void;
}

export const OPTIMIZER_FILE = 'optimizer.safetensors';

/** Loads the weights and builds the steps; closes the model's files. */
export async function openTrainingSession(
  run: PreparedRun,
  engine: Engine,
  execution: Execution,
  host: EngineHost,
  resume: LoadedCheckpoint | null,
): Promise<TrainingSession> {
  const { opened, config, peft } = run;
  const { model, folder } = opened;
  const { training } = config;
  const trained = new Set(peft.trainables.map(({ name }) => name));
  const keptBytes = execution.kept_bytes;
  const plan = planWeights(model, {
    ...precisionOf(config.quantization),
    trained,
    keptBytes,
    folded: execution.folded,
  });
  const buckets = makeBuckets(peft.trainables);
  const optimizer = makeOptimizer(training);
  const tables = new TableCache(model);
  const makeStep = (chunks: number, coarse = false): StepTask =>
    shardedTask(run.task.makeStep(tables, chunks, coarse), execution.shards);
  const steps = { train: makeStep(execution.chunks), evaluate: makeStep(execution.eval_chunks) };
  const step: TrainStepOptions = {
    task: steps.train,
    plan,
    buckets,
    optimizer,
    weightDecay: training.weight_decay,
    checkpointing: execution.checkpointing,
    attentionParts: execution.attention_parts,
    fuses: execution.fused,
    accumulate: training.gradient_accumulation_steps > 1,
  };
  const writesSamples = run.data.eval.length > 0 || training.sample_prompts.length > 0;
  const answering = writesSamples ? run.task.answering({ model, plan, buckets }) : { entries: [] };
  const entries: Entry[] = [
    ...trainEntries(step),
    ...(run.data.eval.length > 0 ? [evaluateEntry({ task: steps.evaluate, plan, buckets })] : []),
    ...answering.entries,
  ];
  const { state, sums } = trainVariables(step);
  const groups = {
    frozen: planVariables(plan),
    state,
    sums,
    cache: answering.scratch ?? [],
  };
  const onProgress = (fraction: number): void =>
    host.report({ event: 'progress', phase: 'Loading the model', fraction });
  const values: Record<string, Map<string, ValueId>> = {};
  try {
    values['frozen'] = await loadWeights({
      device: engine.device,
      folder,
      plan,
      replaced: peft.replaced,
      signal: host.signal,
      onProgress,
    });
    values['state'] = await initialState(engine, run, buckets, state, resume);
    values['sums'] = new Map(sums.map((variable) => [variable.name, zeros(engine, variable)]));
  } finally {
    await folder.close();
  }
  host.report({ event: 'progress', phase: 'Compiling the training step', fraction: null });
  const start: StartOptions = { engine, program: { entries, groups }, values, execution, host, isNew: resume === null };
  const program = startProgram(start, (trial) => probeStep(trial, { step: steps.train, optimizer, training }));
  return {
    program,
    optimizer,
    // Whether it fuses is known only now; it decides how many labels batches are filled up to.
    steps: { ...steps, train: makeStep(execution.chunks, program.fuses) },
    execution: { ...execution, mode: program.mode, fused: program.fuses },
    trainedValues: buckets.reduce((sum, { size }) => sum + size, 0),
    tensors: () => tensorsOf(buckets, program.readVariables('state')),
    async files() {
      const values = program.readVariables('state');
      const files = new Map(await peft.files(tensorsOf(buckets, values)));
      const slots = state.filter(({ name }) => !buckets.some(({ variable }) => variable.name === name));
      files.set(OPTIMIZER_FILE, encodeState(slots, values));
      return files;
    },
    dispose: () => program.dispose(),
  };
}

async function initialState(
  engine: Engine,
  { peft }: PreparedRun,
  buckets: readonly Bucket[],
  state: readonly Variable[],
  resume: LoadedCheckpoint | null,
): Promise<Map<string, ValueId>> {
  const { device } = engine;
  const restored = resume ? await peft.restore(resume.dir) : null;
  const initial = restored
    ? peft.trainables.map(({ name }) => ({ name, initial: async () => restored.get(name)! }))
    : peft.trainables;
  const values = await uploadBuckets(device, buckets, initial);
  if (resume) {
    await readStateFile(path.join(resume.dir, OPTIMIZER_FILE), async (name, data) => {
      values.set(name, copyToDevice(device, data, 'float32', [data.length], 'float32'));
    });
  }
  for (const variable of state) if (!values.has(variable.name)) values.set(variable.name, zeros(engine, variable));
  return values;
}

function zeros({ device }: Engine, { shape }: Variable): ValueId {
  const size = device.createTensor([shape.length], 3, Int32Array.from(shape));
  const zero = device.createTensor([], 1, Float32Array.of(0));
  const attrs = toBindingAttrs({ T: { type: 'float32' }, index_type: { type: 'int32' } });
  try {
    return device.executeOp('Fill', attrs, [size, zero], 1)[0]!.id;
  } finally {
    for (const id of [size, zero]) device.deleteTensor(id);
  }
}

function tensorsOf(
  buckets: readonly Bucket[],
  values: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(buckets.flatMap((bucket) => unpackValues(bucket, values.get(bucket.variable.name)!)));
}

function encodeState(
  state: readonly Variable[],
  values: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): AsyncIterable<Uint8Array> {
  return streamSafetensors(
    state.map(({ name, shape }) => ({
      name,
      dtype: 'F32' as const,
      shape,
      data: encodeFloats(values.get(name)!, 'F32'),
    })),
  );
}
