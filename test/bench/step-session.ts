/**
 * @file A training session of the engine inside this process, whose entries are called one by one and timed: what the command line
 * can't show. The weights, the graph and the choices are those of a run; only the loop is ours.
 */
import { buildBatch, type Batch } from '../../src-main/engine/data/batches.ts';
import { randomUint32 } from '../../src-main/engine/data/seeded-random.ts';
import { chooseExecution, planMemory } from '../../src-main/engine/recipes/choose-execution.ts';
import { chooseShards } from '../../src-main/engine/recipes/choose-shards.ts';
import type { EngineHost } from '../../src-main/engine/recipes/contract.ts';
import type { Execution } from '../../src-main/engine/recipes/execution.ts';
import { openEngine, wantedMode } from '../../src-main/engine/recipes/open-engine.ts';
import { makeSampler, prepareRun, type PreparedRun } from '../../src-main/engine/recipes/prepare-run.ts';
import { openTrainingSession, type TrainingSession } from '../../src-main/engine/recipes/training-session.ts';
import type { StepTask } from '../../src-main/engine/steps/step-task.ts';
import { hyperArray } from '../../src-main/engine/steps/train-step.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { type MeteredBinding, meterBinding } from './metered-binding.ts';

export interface StepSessionOptions {
  readonly config: RunConfig;
  readonly bindingPath: string;
  /** Changes what the product would choose. */
  readonly execution?: Partial<Execution>;
  readonly alter?: (run: PreparedRun) => PreparedRun;
}

export interface StepSession {
  readonly session: TrainingSession;
  readonly metered: MeteredBinding;
  nextBatch(): Batch;
  /** Entry `train`. @param step 1 for the first */
  train(batch: Batch, step: number): { loss: number };
  accumulate(batch: Batch, step: number): void;
  apply(step: number): void;
  evaluate(batch: Batch): void;
}

export function benchHost(bindingPath: string): EngineHost {
  return { bindingPath, now: () => performance.now(), signal: new AbortController().signal, report: () => undefined };
}

export async function openStepSession(options: StepSessionOptions): Promise<StepSession> {
  const host = benchHost(options.bindingPath);
  const prepared = await prepareRun({ config: options.config, host, resume: null }, null);
  const run = options.alter?.(prepared) ?? prepared;
  const memory = planMemory(run);
  const shards = options.execution?.shards ?? chooseShards(run, memory);
  const plain = await openEngine(host, { shards });
  const metered = meterBinding(plain.binding!);
  const engine = { ...plain, device: metered.binding, binding: metered.binding };
  const chosen = chooseExecution(run, wantedMode(engine), memory, { shards });
  const session = await openTrainingSession(run, engine, { ...chosen, ...options.execution }, host, null);
  return { session, metered, ...stepCalls(run, session) };
}

function stepCalls({ config, data, task }: PreparedRun, { program, steps, optimizer, execution }: TrainingSession) {
  const { seed, learning_rate: rate, max_grad_norm: maxNorm } = config.training;
  const sampler = makeSampler(data.train, config);
  const batching = { ...task.batching, maxLength: config.data.max_length, coarse: execution.fused };
  const inputsOf = (step: StepTask, batch: Batch) => step.arrays(batch, 1 / Math.max(1, step.countLabels(batch)));
  const hyperOf = (number: number) => hyperArray(optimizer, number, rate, maxNorm);
  const drawOf = (number: number) => Int32Array.of(randomUint32(seed, number, 0) | 0);
  return {
    nextBatch: () => buildBatch(data.train, sampler.next().rows, batching),
    train(batch: Batch, number: number) {
      const { sizes, arrays } = inputsOf(steps.train, batch);
      const results = program.call('train', sizes, { ...arrays, seed: drawOf(number), hyper: hyperOf(number) });
      return { loss: results['loss']![0]! };
    },
    accumulate(batch: Batch, number: number) {
      const { sizes, arrays } = inputsOf(steps.train, batch);
      program.call('accumulate', sizes, { ...arrays, seed: drawOf(number) });
    },
    apply: (number: number) => void program.call('apply', {}, { hyper: hyperOf(number) }),
    evaluate(batch: Batch) {
      const { sizes, arrays } = inputsOf(steps.evaluate, batch);
      program.call('evaluate', sizes, arrays);
    },
  };
}
