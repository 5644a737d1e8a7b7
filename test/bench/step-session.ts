/**
 * @file A training session of the engine inside this process, whose entries are called one by one and timed: what the command line
 * can't show. The weights, the graph and the choices are those of a run; only the loop is ours.
 */
import { buildBatch, type Batch } from '../../src-main/engine/data/batches.ts';
import { randomUint32 } from '../../src-main/engine/data/seeded-random.ts';
import { chooseExecution, planMemory } from '../../src-main/engine/recipes/choose-execution.ts';
import type { EngineHost } from '../../src-main/engine/recipes/contract.ts';
import type { Execution } from '../../src-main/engine/recipes/execution.ts';
import { openEngine, wantedMode } from '../../src-main/engine/recipes/open-engine.ts';
import { makeSampler, prepareRun, type PreparedRun } from '../../src-main/engine/recipes/prepare-run.ts';
import { openTrainingSession, type TrainingSession } from '../../src-main/engine/recipes/training-session.ts';
import { labelArrays } from '../../src-main/engine/steps/loss-inputs.ts';
import { tokenArrays } from '../../src-main/engine/steps/token-inputs.ts';
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
  const plain = await openEngine(host);
  const metered = meterBinding(plain.binding!);
  const engine = { ...plain, device: metered.binding, binding: metered.binding };
  const chosen = chooseExecution(run, wantedMode(engine), planMemory(run));
  const session = await openTrainingSession(run, engine, { ...chosen, ...options.execution }, host, null);
  return { session, metered, ...stepCalls(run, session) };
}

function stepCalls({ config, data }: PreparedRun, { program, tables, optimizer, execution }: TrainingSession) {
  const { seed, learning_rate: rate, max_grad_norm: maxNorm } = config.training;
  const sampler = makeSampler(data.train, config);
  const inputsOf = (batch: Batch, chunks: number) => {
    const tokens = tokenArrays(tables, batch);
    const labels = labelArrays(batch, 1 / Math.max(1, batch.labelIds.length), chunks);
    return { sizes: { ...tokens.sizes, ...labels.sizes }, arrays: { ...tokens.arrays, ...labels.arrays } };
  };
  const hyperOf = (step: number) => hyperArray(optimizer, step, rate, maxNorm);
  const drawOf = (step: number) => Int32Array.of(randomUint32(seed, step, 0) | 0);
  return {
    nextBatch: () => buildBatch(data.train, sampler.next().rows, { padTokenId: 0, maxLength: config.data.max_length }),
    train(batch: Batch, step: number) {
      const { sizes, arrays } = inputsOf(batch, execution.chunks);
      const results = program.call('train', sizes, { ...arrays, seed: drawOf(step), hyper: hyperOf(step) });
      return { loss: results['loss']![0]! };
    },
    accumulate(batch: Batch, step: number) {
      const { sizes, arrays } = inputsOf(batch, execution.chunks);
      program.call('accumulate', sizes, { ...arrays, seed: drawOf(step) });
    },
    apply: (step: number) => void program.call('apply', {}, { hyper: hyperOf(step) }),
    evaluate(batch: Batch) {
      const { sizes, arrays } = inputsOf(batch, execution.eval_chunks);
      program.call('evaluate', sizes, arrays);
    },
  };
}
