/**
 * @file The story of a run: open and check everything, load, train step by step, evaluate, save, finish.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import type { EngineHost, FineTune, FineTuneOptions, TrainResult } from './contract.ts';
import { chooseExecution, planMemory } from './choose-execution.ts';
import { dryRun } from './dry-run.ts';
import { finalFiles } from './final-files.ts';
import { explainMemory, warnOfMemory } from './memory-messages.ts';
import { type Engine, openEngine, wantedMode } from './open-engine.ts';
import { prepareRun, type PreparedRun } from './prepare-run.ts';
import { planCourse } from './rate-course.ts';
import { decodeState, type RunState, startProgress } from './run-progress.ts';
import { trainLoop } from './train-loop.ts';
import type { Execution } from './execution.ts';
import { openTrainingSession, type TrainingSession } from './training-session.ts';

export const fineTune: FineTune = async (options) => {
  const { host, resume } = options;
  const saved = resume ? decodeState(resume.state) : null;
  const run = await prepareRun(options, saved?.started_at ?? null);
  await beforeFirstStep(options, run);
  const engine = await openEngine(host);
  const memory = planMemory(run);
  const execution = saved ? executionOf(saved, engine, host) : chooseExecution(run, wantedMode(engine), memory);
  const progress = saved?.progress ?? startProgress();
  const session = await openTrainingSession(run, engine, execution, host, resume).catch((error: unknown) => {
    throw explainMemory(error, run, memory, progress.step);
  });
  try {
    const tried = saved || engine.binding === null ? null : tryMemory(session, run, host);
    reportStart(options, run, engine, session.trainedValues, progress.step, memory, tried);
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
  } catch (error) {
    throw explainMemory(error, run, memory, progress.step);
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

/** Before a new run; a resumed one has shown that it fits. @returns peak memory so far, bytes */
function tryMemory(session: TrainingSession, run: PreparedRun, host: EngineHost): number {
  host.report({ event: 'progress', phase: 'Trying the longest rows', fraction: null });
  return dryRun(session, run);
}

function reportStart(
  { host, runDir }: FineTuneOptions,
  run: PreparedRun,
  engine: Engine,
  trainedValues: number,
  startStep: number,
  memory: PlannedMemory,
  triedBytes: number | null,
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
    predicted_memory_bytes: Math.round(memory.peak_bytes),
    ...(triedBytes !== null && { dry_run_memory_bytes: triedBytes }),
  });
  const warning = warnOfMemory(memory);
  if (warning) host.report({ event: 'notice', step: startStep, code: 'memory/tight', message: warning });
  for (const { code, message } of startStep === 0 ? data.report.notices : []) {
    host.report({ event: 'notice', step: 0, code, message });
  }
}
