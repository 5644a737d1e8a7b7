/**
 * @file The loop: one optimizer step after the other, with figures, evaluations and checkpoints where they are due.
 *
 * A checkpoint is taken between steps only, after everything else that the step's number brings, so that a resumed run repeats nothing but the
 * batches of a step that was stopped in its middle.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import { makeNotice } from '../../../src-shared/domain/notices.ts';
import { buildBatch, type Batch } from '../data/batches.ts';
import { saysOutOfMemory } from '../device/out-of-memory.ts';
import { hyperArray } from '../steps/train-step.ts';
import { randomUint32 } from '../data/seeded-random.ts';
import type { LoopOptions } from './loop-options.ts';
import { measureLoss } from './measure-loss.ts';
import { requireFiniteWeights } from './not-finite.ts';
import { makeSampler } from './prepare-run.ts';
import { rateOf } from './rate-course.ts';
import { bestFigureOf } from './resolve-config.ts';
import { encodeState } from './run-progress.ts';
import { reportSamples } from './samples.ts';

/** So many steps in a row without a usable gradient end the run. */
const MOST_SKIPPED = 10;

/**
 * Trains to the end of the plan, which `planCourse` has fitted the progress to.
 * @throws Interrupted (a checkpoint is saved), train/diverged, model/not-finite
 */
export async function trainLoop(loop: LoopOptions): Promise<'done' | 'stopped early'> {
  const { options, run, progress } = loop;
  const { training } = run.config;
  const { host } = options;
  const sampler = makeSampler(run.data.train, run.config, progress.sampler);
  const learningRate = rateOf(training, progress.course!);
  let savedAt = host.now();
  let savedStep = progress.step;
  const save = async (best: boolean): Promise<void> => {
    await saveCheckpoint(loop, best);
    savedAt = host.now();
    savedStep = progress.step;
  };
  /** Where memory runs out: what was reached is saved first, for the trained tensors change only at the very end of a step. */
  const orSave = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const isMemory = error instanceof Error && saysOutOfMemory(error.message);
      if (isMemory && progress.step > savedStep) await save(false).catch(() => undefined);
      throw error;
    }
  };
  if (training.eval_on_start && progress.step === 0 && !host.signal.aborted) await reportStart(loop);
  while (progress.step < run.totalSteps) {
    if (isExhausted(loop)) return 'stopped early';
    if (host.signal.aborted) {
      if (progress.step > savedStep) await save(false);
      throw new Interrupted();
    }
    const started = host.now();
    const { batches, isLastOfEpoch } = nextBatches(loop, sampler);
    const rate = learningRate(progress.step);
    const stepped = await orSave(() => runStep(loop, batches, rate));
    if (stepped === null) continue; // stopped in its middle
    const { loss, gradNorm } = stepped;
    progress.step += 1;
    progress.sampler = sampler.state();
    await noteSkipped(loop, gradNorm);
    count(loop, batches, loss, host.now() - started);
    if (progress.step % training.logging_steps === 0 || progress.step === run.totalSteps) {
      reportStep(loop, rate, gradNorm);
    }
    const last = progress.step === run.totalSteps;
    const due = training.eval_steps > 0 ? progress.step % training.eval_steps === 0 : isLastOfEpoch;
    const improved = due || last ? await orSave(() => evaluate(loop)) : false;
    const bySteps = training.save_steps > 0 && progress.step % training.save_steps === 0;
    const byTime = training.save_minutes > 0 && host.now() - savedAt > training.save_minutes * 60_000;
    const wanted = bySteps || byTime || last || (improved && training.load_best_model_at_end);
    if (wanted) await save(improved);
    await nextTurn();
  }
  requireLearnt(loop);
  return 'done';
}

/** The batches of one optimizer step: as many as are accumulated, fewer at the end of an epoch. */
function nextBatches({ run, session }: LoopOptions, sampler: ReturnType<typeof makeSampler>) {
  const { training, data } = run.config;
  const batching = { ...run.task.batching, maxLength: data.max_length, coarse: session.execution.fused };
  const batches: Batch[] = [];
  let isLastOfEpoch = false;
  while (batches.length < training.gradient_accumulation_steps && !isLastOfEpoch) {
    const planned = sampler.next();
    isLastOfEpoch = planned.isLastOfEpoch;
    batches.push(buildBatch(run.data.train, planned.rows, batching));
  }
  return { batches, isLastOfEpoch };
}

/**
 * One optimizer step. Between the batches that it adds up it listens; stopped there it leaves nothing behind but sums that nobody keeps.
 * @returns the mean loss over the labels of all batches, and the gradient's norm before clipping; null where it was stopped
 */
async function runStep(
  { options, run, session, progress }: LoopOptions,
  batches: readonly Batch[],
  learningRate: number,
): Promise<{ loss: number; gradNorm: number } | null> {
  const { program, optimizer } = session;
  const { config, opened } = run;
  const number = progress.step + 1;
  const step = session.steps.train;
  const { seed, max_grad_norm: maxNorm, gradient_accumulation_steps: accumulated } = config.training;
  const labels = batches.reduce((sum, batch) => sum + step.countLabels(batch), 0);
  const hyper = hyperArray(optimizer, number, learningRate, maxNorm);
  const inputsOf = (batch: Batch, index: number) => {
    const { sizes, arrays } = step.arrays(batch, 1 / Math.max(1, labels));
    const draw = Int32Array.of(randomUint32(seed, number, index) | 0);
    return { sizes, arrays: { ...arrays, seed: draw } };
  };
  requirePositions(batches, opened.model.facts.maxPositions);
  if (accumulated === 1) {
    const { sizes, arrays } = inputsOf(batches[0]!, 0);
    const { loss, grad_norm } = program.call('train', sizes, { ...arrays, hyper });
    return { loss: loss![0]!, gradNorm: grad_norm![0]! };
  }
  let loss = 0;
  for (const [index, batch] of batches.entries()) {
    if (index > 0) await nextTurn();
    if (options.host.signal.aborted) return null;
    const { sizes, arrays } = inputsOf(batch, index);
    loss += program.call('accumulate', sizes, arrays)['loss']![0]!;
  }
  return { loss, gradNorm: program.call('apply', {}, { hyper })['grad_norm']![0]! };
}

function requirePositions(batches: readonly Batch[], maxPositions: number): void {
  const last = Math.max(...batches.map(({ positionIds }) => positionIds.reduce((most, at) => Math.max(most, at), 0)));
  if (last >= maxPositions) throw new Error(`internal: position ${last} beyond the model's ${maxPositions}`);
}

function count({ session, progress }: LoopOptions, batches: readonly Batch[], loss: number, ms: number): void {
  const tokens = batches.reduce((sum, batch) => sum + batch.tokens, 0);
  const labels = batches.reduce((sum, batch) => sum + session.steps.train.countLabels(batch), 0);
  const { open } = progress;
  progress.open = {
    loss: open.loss + loss * labels,
    labels: open.labels + labels,
    tokens: open.tokens + tokens,
    ms: open.ms + ms,
  };
  progress.tokens += tokens;
  progress.elapsed_ms += ms;
}

async function noteSkipped({ options, run, progress }: LoopOptions, gradNorm: number): Promise<void> {
  if (Number.isFinite(gradNorm)) {
    progress.skipped = 0;
    return;
  }
  progress.skipped += 1;
  if (progress.step === 1) await requireFiniteWeights(run.opened.folder.path);
  if (progress.skipped === 1) {
    const message = `The gradient of step ${progress.step} was not a finite number, so the step changed nothing.`;
    const notice = makeNotice('train/step-skipped', { step: progress.step }, message);
    options.host.report({ event: 'notice', step: progress.step, ...notice });
  }
  if (progress.skipped >= MOST_SKIPPED) throw diverged(progress);
}

/** A short run may end before so many were skipped. */
function requireLearnt({ progress }: LoopOptions): void {
  if (progress.skipped > 0 && progress.skipped === progress.step) throw diverged(progress);
}

function diverged({ skipped, step }: LoopOptions['progress']): AppError {
  const steps = skipped === 1 ? 'The last step' : `The last ${skipped} steps`;
  return new AppError('train/diverged', `${steps} up to step ${step} had no usable gradient`, {
    hint: 'Lower training.learning_rate, or set training.max_grad_norm to 1, and resume or start again.',
  });
}

function reportStep({ options, run, progress }: LoopOptions, learningRate: number, gradNorm: number): void {
  const { loss, labels, tokens, ms } = progress.open;
  const perEpoch = run.batchesPerEpoch;
  progress.final_loss = loss / Math.max(1, labels);
  options.host.report({
    event: 'step',
    step: progress.step,
    loss: progress.final_loss,
    learning_rate: learningRate,
    grad_norm: gradNorm,
    tokens_per_second: tokens / Math.max(1e-6, ms / 1000),
    tokens: progress.tokens,
    memory_bytes: process.resourceUsage().maxRSS * 1024,
    epoch: progress.sampler.epoch + progress.sampler.batch / perEpoch,
    elapsed_ms: progress.elapsed_ms,
  });
  progress.open = { loss: 0, labels: 0, tokens: 0, ms: 0 };
}

/** How it is before it learns: told, but no candidate for the best. */
async function reportStart(loop: LoopOptions): Promise<void> {
  if (loop.run.data.eval.length === 0) return;
  const measured = await measureEvaluation(loop);
  loop.options.host.report({ event: 'eval', step: 0, ...measured, best: false });
  await reportSamples(loop);
}

async function measureEvaluation({ run, session }: LoopOptions) {
  const meter = run.task.makeMeter(run.data.eval);
  const { eval_loss, perplexity } = await measureLoss({
    program: session.program,
    task: run.task,
    step: session.steps.evaluate,
    examples: run.data.eval,
    batchSize: run.config.training.per_device_eval_batch_size,
    meter,
    // An evaluation is short beside what would be lost: a stop waits for its end.
    signal: new AbortController().signal,
  });
  return { eval_loss, perplexity, metrics: meter.figures() };
}

/** @returns true where it is the best so far */
async function evaluate(loop: LoopOptions): Promise<boolean> {
  const { options, run, progress } = loop;
  if (run.data.eval.length === 0) return false;
  const measured = await measureEvaluation(loop);
  const { eval_loss, metrics } = measured;
  const value = valueOf(loop, eval_loss, metrics);
  const before = progress.best && (progress.best.value ?? progress.best.eval_loss);
  // A model that diverged has no loss that another could be better than.
  const improved = Number.isFinite(eval_loss) && (before === null || isBetter(loop, value, before));
  progress.eval_loss = eval_loss;
  progress.evals_without_gain = improved ? 0 : progress.evals_without_gain + 1;
  if (improved) progress.best = { step: progress.step, eval_loss, value };
  options.host.report({ event: 'eval', step: progress.step, ...measured, best: improved });
  await reportSamples(loop);
  return improved;
}

/** The figure that says which evaluation is best; the perplexity is best where the loss is. */
function valueOf({ run }: LoopOptions, loss: number, metrics: Readonly<Record<string, number>>): number {
  return metrics[bestFigureOf(run.config.training)] ?? loss;
}

function isBetter({ run }: LoopOptions, value: number, best: number): boolean {
  const wanted = run.task.figures[bestFigureOf(run.config.training)] ?? 'lower';
  return wanted === 'lower' ? value < best : value > best;
}

function isExhausted({ run, progress }: LoopOptions): boolean {
  const patience = run.config.training.early_stopping_patience;
  return patience > 0 && progress.evals_without_gain >= patience;
}

/** The run as it is now. */
export async function saveCheckpoint({ options, run, session, progress }: LoopOptions, best: boolean): Promise<void> {
  await options.checkpoints.save({
    step: progress.step,
    files: await session.files(),
    state: encodeState({ progress, execution: session.execution, started_at: run.startedAt }),
    best,
  });
}
