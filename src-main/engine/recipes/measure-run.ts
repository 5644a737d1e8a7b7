/**
 * @file A dry run: loads the model as a run would, steps over the longest rows and over usual ones, and says what a run takes. It needs
 * no folder, writes nothing, and what it trained is gone with its process.
 */
import { Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { MeasuredRun, PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import { chooseExecution } from './choose-execution.ts';
import { chooseShards } from './choose-shards.ts';
import type { EngineHost } from './contract.ts';
import { dryRun, stepWithoutEffect } from './dry-run.ts';
import { measureLoss } from './measure-loss.ts';
import { explainMemory } from './memory-messages.ts';
import { type Engine, isOnGpu, openEngine, wantedMode } from './open-engine.ts';
import { describePlan, type PlanRunOptions } from './plan-run.ts';
import { makeSampler, prepareRun, type PreparedRun } from './prepare-run.ts';
import { openTrainingSession, type TrainingSession } from './training-session.ts';
import { requireWasmHeap } from './wasm-limits.ts';

/** Batches that are timed: the first ones of the run, spread over an epoch where rows are shuffled. */
const USUAL_BATCHES = 4;

/** @throws everything that a run can be refused for before its first step, memory/exhausted, Interrupted */
export async function measureRun({ host, config, correction = 1 }: PlanRunOptions): Promise<MeasuredRun> {
  const run = await prepareRun({ host, config, resume: null }, null);
  const plan = describePlan(run, correction);
  const shards = chooseShards(run, plan.memory);
  const engine = await openEngineFor(run, host, plan.memory, shards);
  const execution = chooseExecution(run, wantedMode(engine), plan.memory, { isGpu: isOnGpu(engine), shards });
  const startedMs = host.now();
  try {
    const session = await openTrainingSession(run, engine, execution, host, null);
    const load_ms = host.now() - startedMs;
    try {
      const longest_step_ms = measureLongest(session, run, host);
      const batch_ms = measureUsual(session, run, host);
      const evaluation_ms = await measureEvaluation(session, run, host);
      const step_ms = batch_ms * Math.min(run.config.training.gradient_accumulation_steps, run.batchesPerEpoch);
      const evaluations = countEvaluations(run, plan.steps_per_epoch);
      return {
        plan,
        engine: engine.name,
        peak_memory_bytes: peakMemoryBytes(),
        longest_step_ms,
        step_ms,
        evaluation_ms,
        load_ms,
        total_ms: load_ms + batch_ms * countBatches(run, plan.steps_per_epoch) + evaluation_ms * evaluations,
      };
    } finally {
      session.dispose();
    }
  } catch (error) {
    throw explainMemory(error, run, plan.memory, 0);
  }
}

async function openEngineFor(
  run: PreparedRun,
  host: EngineHost,
  memory: PlannedMemory,
  shards: number,
): Promise<Engine> {
  try {
    requireWasmHeap(memory);
    return await openEngine(host, { shards });
  } catch (error) {
    await run.opened.folder.close();
    throw error;
  }
}

/** @returns milliseconds of the slower one of both batches, once everything has been allocated */
function measureLongest(session: TrainingSession, run: PreparedRun, host: EngineHost): number {
  say(host, 'Trying the longest rows');
  dryRun(session, run);
  requireWanted(host);
  const startedMs = host.now();
  dryRun(session, run);
  return (host.now() - startedMs) / 2;
}

/** @returns milliseconds of a batch */
function measureUsual(session: TrainingSession, run: PreparedRun, host: EngineHost): number {
  say(host, 'Measuring usual steps');
  const sampler = makeSampler(run.data.train, run.config);
  const batches = Array.from({ length: Math.min(USUAL_BATCHES, run.batchesPerEpoch) }, () => sampler.next().rows);
  const startedMs = host.now();
  for (const rows of batches) {
    requireWanted(host);
    stepWithoutEffect(session, run, rows);
  }
  return (host.now() - startedMs) / batches.length;
}

/** @returns milliseconds of one evaluation, from a share of its rows; 0 where nothing is held out */
async function measureEvaluation(session: TrainingSession, run: PreparedRun, host: EngineHost): Promise<number> {
  const { eval: rows } = run.data;
  if (rows.length === 0) return 0;
  say(host, 'Measuring an evaluation');
  const batchSize = run.config.training.per_device_eval_batch_size;
  const measure = (examples: typeof rows) =>
    measureLoss({
      program: session.program,
      task: run.task,
      step: session.steps.evaluate,
      examples,
      batchSize,
      signal: host.signal,
    });
  const share = rows.slice(0, batchSize * USUAL_BATCHES);
  await measure(share.slice(0, batchSize));
  const startedMs = host.now();
  await measure(share);
  return ((host.now() - startedMs) * Math.ceil(rows.length / batchSize)) / Math.ceil(share.length / batchSize);
}

/** Micro-batches of the whole run. */
function countBatches({ totalSteps, batchesPerEpoch }: PreparedRun, stepsPerEpoch: number): number {
  return (totalSteps / stepsPerEpoch) * batchesPerEpoch;
}

/** The last step is always followed by one; the first may be preceded by one. */
function countEvaluations({ totalSteps, config }: PreparedRun, stepsPerEpoch: number): number {
  const during = Math.ceil(totalSteps / (config.training.eval_steps || stepsPerEpoch));
  return during + (config.training.eval_on_start ? 1 : 0);
}

function peakMemoryBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function requireWanted({ signal }: EngineHost): void {
  if (signal.aborted) throw new Interrupted();
}

function say(host: EngineHost, phase: string): void {
  host.report({ event: 'progress', phase, fraction: null });
}
