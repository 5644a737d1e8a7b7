/**
 * @file A run as it would be: everything that fine-tuning decides before its first step, without a device.
 */
import type { RunPlan } from '../../../src-shared/domain/run-plan.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import { planMemory } from './choose-execution.ts';
import type { EngineHost } from './contract.ts';
import { prepareRun, type PreparedRun } from './prepare-run.ts';
import { countValues } from '../weights/trainables.ts';

export interface PlanRunOptions {
  readonly host: EngineHost;
  readonly config: RunConfig;
  /** What earlier runs on this machine took over what was estimated. */
  readonly correction?: number;
}

/** A checkpoint holds f32 values, two moments and, for the best one, a copy. */
const CHECKPOINT_BYTES_A_VALUE = 16;

/** @throws everything that a run can be refused for before its first step */
export async function planRun({ host, config, correction = 1 }: PlanRunOptions): Promise<RunPlan> {
  const run = await prepareRun({ host, config, resume: null }, null);
  try {
    return describePlan(run, correction);
  } finally {
    await run.opened.folder.close();
  }
}

/** @param correction what earlier runs on this machine took over what was estimated */
export function describePlan(run: PreparedRun, correction: number): RunPlan {
  const { config, data, peft, opened, totalSteps, batchesPerEpoch } = run;
  const trained = new Set(peft.trainables.map(({ name }) => name));
  const trainable = countValues(peft.trainables);
  const base = opened.model.weights.filter(({ name }) => !trained.has(name));
  return {
    config,
    total_steps: totalSteps,
    steps_per_epoch: Math.ceil(batchesPerEpoch / config.training.gradient_accumulation_steps),
    train_rows: data.train.length,
    eval_rows: data.eval.length,
    supervised_tokens: data.supervisedTokens,
    trainable_parameters: trainable,
    total_parameters: trainable + countValues(base),
    memory: planMemory(run, correction),
    checkpoint_bytes: trainable * CHECKPOINT_BYTES_A_VALUE,
    report: data.report,
  };
}
