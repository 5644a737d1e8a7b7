/**
 * @file Turns entries and starting values into the program of a run: compiled and checked against one eager step, or as the run began.
 */
import type { TrainingConfig } from '../../../src-shared/schema/run-config.ts';
import { makeNotice } from '../../../src-shared/domain/notices.ts';
import type { Program, ProgramOptions } from '../compile/program.ts';
import { type GroupValues, makeGatedProgram } from '../compile/start-gate.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { StepTask } from '../steps/step-task.ts';
import { hyperArray } from '../steps/train-step.ts';
import type { EngineHost } from './contract.ts';
import { type Engine, makeProgram } from './open-engine.ts';
import type { Execution } from './execution.ts';

export interface StartOptions {
  readonly engine: Engine;
  readonly program: ProgramOptions;
  readonly values: GroupValues;
  readonly execution: Execution;
  readonly host: EngineHost;
  /** A resumed run keeps the mode it began in. */
  readonly isNew: boolean;
}

/** bf16 products round at other places once TensorFlow has merged ops; a wrong graph is off by far more. */
const TOLERANCE = 5e-2;

/** @param probe one tiny step. @returns the program, its variables filled */
export function startProgram(options: StartOptions, probe: (program: Program) => readonly number[]): Program {
  const { engine, program, values, execution, host, isNew } = options;
  const { binding } = engine;
  if (isNew && execution.mode === 'compiled' && binding !== null) {
    const onFallback = (reason: string): void => {
      const message = `The compiled step cannot be used (${reason}); the run goes on op by op, which is slower.`;
      host.report({ event: 'notice', step: 0, ...makeNotice('engine/eager', { reason }, message) });
    };
    return makeGatedProgram({ binding, program, values, probe, tolerance: TOLERANCE, onFallback });
  }
  const made = makeProgram(engine, execution.mode, program);
  for (const [group, ids] of Object.entries(values)) made.setVariables(group, ids);
  return made;
}

export interface ProbeOptions {
  readonly step: StepTask;
  readonly optimizer: Optimizer;
  readonly training: TrainingConfig;
}

/** A step over a few tokens. @returns loss and gradient norm */
export function probeStep(program: Program, { step, optimizer, training }: ProbeOptions): readonly number[] {
  const inputs = step.arrays(step.probe, 1 / step.countLabels(step.probe));
  const { sizes } = inputs;
  const arrays = { ...inputs.arrays, seed: Int32Array.of(training.seed) };
  const hyper = hyperArray(optimizer, 1, training.learning_rate, training.max_grad_norm);
  if (training.gradient_accumulation_steps === 1) {
    const { loss, grad_norm } = program.call('train', sizes, { ...arrays, hyper });
    return [loss![0]!, grad_norm![0]!];
  }
  const { loss } = program.call('accumulate', sizes, arrays);
  return [loss![0]!, program.call('apply', {}, { hyper })['grad_norm']![0]!];
}
