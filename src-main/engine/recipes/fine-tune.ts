/**
 * @file The story of a run: open and check everything, load, train step by step, evaluate, save, finish.
 */
import { freemem } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Interrupted } from '../../../src-shared/domain/app-error.ts';
import { chooseChunks } from '../steps/loss-inputs.ts';
import { planWeights } from '../weights/plan.ts';
import type { EngineHost, FineTune, FineTuneOptions, TrainResult } from './contract.ts';
import { activationBytes, trainedBytes } from './estimate-memory.ts';
import { finalFiles } from './final-files.ts';
import { precisionOf } from './inference-session.ts';
import { mostLabels } from './measure-loss.ts';
import { type Engine, openEngine, wantedMode } from './open-engine.ts';
import { prepareRun, type PreparedRun } from './prepare-run.ts';
import { planCourse } from './rate-course.ts';
import { chooseKeptBytes } from './weight-cache.ts';
import { decodeState, type RunState, startProgress } from './run-progress.ts';
import { trainLoop } from './train-loop.ts';
import type { Execution } from './execution.ts';
import { openTrainingSession } from './training-session.ts';

/** Share of the free memory that a step may plan with. */
const MEMORY_SHARE = 0.7;

export const fineTune: FineTune = async (options) => {
  const { host, resume } = options;
  const saved = resume ? decodeState(resume.state) : null;
  const run = await prepareRun(options, saved?.started_at ?? null);
  await beforeFirstStep(options, run);
  const engine = await openEngine(host);
  const execution = saved ? executionOf(saved, engine, host) : chooseExecution(run, engine);
  const session = await openTrainingSession(run, engine, execution, host, resume);
  try {
    reportStart(options, run, engine, session.trainedValues, saved?.progress.step ?? 0);
    const progress = saved?.progress ?? startProgress();
    const change = planCourse(progress, run.totalSteps, run.config.training.lr_scheduler_type);
    if (change) host.report({ event: 'notice', step: progress.step, code: 'train/plan-changed', message: change });
    const end = await trainLoop({ options, run, session, progress });
    const { files, best } = await finalFiles(options, run, session, progress);
    return {
      adapter_dir: await options.checkpoints.writeFinal(files),
      final_loss: progress.final_loss,
      eval_loss: best?.eval_loss ?? progress.eval_loss,
      best_checkpoint: best?.dir ?? null,
      steps: progress.step,
      stopped_early: end === 'stopped early',
    } satisfies TrainResult;
  } finally {
    session.dispose();
    await nextTurn();
  }
};

/** The last checks that cost nothing; the stored configuration says how many checkpoints there must be room for. */
async function beforeFirstStep(options: FineTuneOptions, run: PreparedRun): Promise<void> {
  const { host, checkpoints } = options;
  try {
    await options.setResolved(run.config);
    if (host.signal.aborted) throw new Interrupted();
    await checkpoints.requireSpace(countValues(run) * 16);
  } catch (error) {
    await run.opened.folder.close();
    throw error;
  }
}

const countValues = ({ peft }: PreparedRun): number =>
  peft.trainables.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** A run goes on as it began; what was compiled goes on op by op where nothing can be compiled. */
function executionOf({ execution, progress }: RunState, { binding, name }: Engine, host: EngineHost): Execution {
  if (execution.mode === 'eager' || binding !== null) return execution;
  const message = `The run began on another engine and goes on with ${name}, which is slower and rounds differently.`;
  host.report({ event: 'notice', step: progress.step, code: 'engine/changed', message });
  return { ...execution, mode: 'eager' };
}

function chooseExecution(run: PreparedRun, engine: Engine): Execution {
  const { config, data, opened } = run;
  const { vocabSize } = opened.model.facts;
  const { training } = config;
  const rows = training.per_device_train_batch_size;
  const perRow = config.data.packing ? Math.ceil(config.data.max_length / averageLength(run)) : 1;
  return {
    mode: wantedMode(engine),
    checkpointing: training.gradient_checkpointing === 'auto' ? !fitsUnchecked(run) : training.gradient_checkpointing,
    chunks: chooseChunks(Math.min(mostLabels(data.train, rows * perRow), rows * config.data.max_length), vocabSize),
    eval_chunks: chooseChunks(mostLabels(data.eval, training.per_device_eval_batch_size), vocabSize),
    kept_bytes: chooseKeptBytes(0),
  };
}

const averageLength = ({ data }: PreparedRun): number =>
  Math.max(1, data.train.reduce((sum, { inputIds }) => sum + inputIds.length, 0) / data.train.length);

/** Whether a step fits into free memory with everything kept for the backward pass. */
function fitsUnchecked(run: PreparedRun): boolean {
  const { config, opened, peft, data } = run;
  const precision = precisionOf(config.quantization);
  const trained = new Set(peft.trainables.map(({ name }) => name));
  const plan = planWeights(opened.model, { ...precision, trained });
  const rowTokens = config.data.packing
    ? config.data.max_length
    : data.train.reduce((most, { inputIds }) => Math.max(most, inputIds.length), 1);
  const batchTokens = rowTokens * config.training.per_device_train_batch_size;
  const step = { batchTokens, rowTokens, compute: precision.compute, checkpointing: false };
  const needed = plan.bytes + trainedBytes(countValues(run)) + activationBytes(opened.model.facts, step);
  return needed < freemem() * MEMORY_SHARE;
}

function reportStart(
  { host, runDir }: FineTuneOptions,
  run: PreparedRun,
  engine: Engine,
  trainedValues: number,
  startStep: number,
): void {
  const { data, totalSteps, opened, peft } = run;
  const trained = new Set(peft.trainables.map(({ name }) => name));
  const base = opened.model.weights.filter(({ name }) => !trained.has(name));
  host.report({
    event: 'start',
    run_dir: runDir,
    total_steps: totalSteps,
    start_step: startStep,
    trainable_parameters: trainedValues,
    total_parameters: trainedValues + base.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    train_rows: data.train.length,
    eval_rows: data.eval.length,
    supervised_tokens: data.supervisedTokens,
    engine: engine.name,
  });
  for (const { code, message } of startStep === 0 ? data.report.notices : []) {
    host.report({ event: 'notice', step: 0, code, message });
  }
}
