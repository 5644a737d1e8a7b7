/**
 * @file The story of a run: open and check everything, load, train step by step, evaluate, save, finish.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { DataNotice } from '../../../src-shared/domain/data-report.ts';
import type { PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import { makeNotice, type Told } from '../../../src-shared/domain/notices.ts';
import { countValues } from '../weights/trainables.ts';
import { chooseShards } from './choose-shards.ts';
import type { EngineHost, FineTune, FineTuneOptions, TrainResult } from './contract.ts';
import { chooseExecution, planMemory } from './choose-execution.ts';
import { dryRun } from './dry-run.ts';
import { finalFiles } from './final-files.ts';
import { explainMemory, warnOfMemory } from './memory-messages.ts';
import { type Engine, isOnGpu, openEngine, wantedMode } from './open-engine.ts';
import { prepareRun, type PreparedRun } from './prepare-run.ts';
import { planCourse } from './rate-course.ts';
import { planSampler, resumedCheckpointing, resumedShards, resumeExecution } from './resume-run.ts';
import { decodeState, startProgress } from './run-progress.ts';
import { saveCheckpoint, trainLoop } from './train-loop.ts';
import { openTrainingSession, type TrainingSession } from './training-session.ts';
import { requireWasmHeap } from './wasm-limits.ts';

export const fineTune: FineTune = async (options) => {
  const { host, resume, runDir, memoryCorrection = 1 } = options;
  const saved = resume ? decodeState(resume.state) : null;
  const run = await prepareRun(options, saved?.started_at ?? null);
  const memory = planMemory(run, memoryCorrection, saved ? resumedCheckpointing(run, saved) : null);
  await beforeFirstStep(options, run, memory);
  const shards = saved ? resumedShards(run, saved) : chooseShards(run, memory);
  const engine = await openEngine(host, { shards });
  const execution = saved
    ? resumeExecution(saved, run, engine, memory, host)
    : chooseExecution(run, wantedMode(engine), memory, { isGpu: isOnGpu(engine), shards });
  const progress = saved?.progress ?? startProgress();
  const tell = (notice: Told | null): void => {
    if (notice !== null) host.report({ event: 'notice', step: progress.step, ...notice });
  };
  const tight = warnOfMemory(memory, progress.step);
  if (tight) host.report(tight);
  const explain = (error: unknown): unknown => explainMemory(error, run, memory, progress.step, runDir);
  const session = await openTrainingSession(run, engine, execution, host, resume).catch((error: unknown) => {
    throw explain(error);
  });
  const loop = { options, run, session, progress };
  try {
    // What may end the run without a word must not take the run with it.
    if (!saved && !memory.fits) await saveCheckpoint(loop, false);
    const tried = saved || engine.binding === null ? null : tryMemory(session, run, host);
    reportStart(options, run, engine, session.trainedValues, progress.step, memory, tried);
    tell(planCourse(progress, run.totalSteps, run.config.training.lr_scheduler_type));
    tell(planSampler(progress, run.batchesPerEpoch));
    const end = await trainLoop(loop);
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
    throw explain(error);
  } finally {
    session.dispose();
    await nextTurn();
  }
};

/** The last checks that cost nothing; the stored configuration says how many checkpoints there must be room for. */
async function beforeFirstStep(options: FineTuneOptions, run: PreparedRun, memory: PlannedMemory): Promise<void> {
  const { host, checkpoints, resume } = options;
  try {
    // A run that is under way was possible so far, whatever the estimate says.
    if (resume === null) requireWasmHeap(memory);
    await options.setResolved(run.config);
    if (host.signal.aborted) throw new Interrupted();
    await checkpoints.requireSpace(countValues(run.peft.trainables) * 16);
  } catch (error) {
    await run.opened.folder.close();
    throw error;
  }
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
    total_parameters: trainedValues + countValues(base),
    train_rows: data.train.length,
    eval_rows: data.eval.length,
    supervised_tokens: data.supervisedTokens,
    ...(data.labels !== null && { classes: data.labels.length }),
    engine: engine.name,
    predicted_memory_bytes: Math.round(memory.peak_bytes),
    memory_correction: memory.correction,
    ...(triedBytes !== null && { dry_run_memory_bytes: triedBytes }),
  });
  for (const { file: _file, ...notice } of startStep === 0 ? listNotices(run) : []) {
    host.report({ event: 'notice', step: 0, ...notice });
  }
}

/** What the person should know of data and model before the first step. */
function listNotices({ data, hasFreshHead, opened, config }: PreparedRun): readonly DataNotice[] {
  if (!hasFreshHead) return data.report.notices;
  const { problem_type: problem, labels } = config;
  const what = problem === 'regression' ? 'numbers' : `${labels?.length ?? 0} classes`;
  const why =
    opened.storedClasses === null
      ? 'the model has no classification head yet'
      : `the model's classification head is for ${opened.storedClasses} ${opened.storedClasses === 1 ? 'class' : 'classes'}`;
  const message = `${why}, so a new one for your ${what} was drawn at random; it is trained with the rest and saved with the result`;
  const facts = { stored: opened.storedClasses, classes: problem === 'regression' ? null : (labels?.length ?? 0) };
  return [...data.report.notices, { ...makeNotice('model/fresh-head', facts, message), file: null }];
}
