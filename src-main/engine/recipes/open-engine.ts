/**
 * @file Loads the engine that a host names, and builds programs on it.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { CompiledProgram } from '../compile/compiled-program.ts';
import { EagerProgram } from '../compile/eager-program.ts';
import type { Program, ProgramOptions } from '../compile/program.ts';
import { loadTensorFlow, type TensorFlowBinding } from '../device/tensorflow-binding.ts';
import type { EngineHost } from './contract.ts';

export type ExecutionMode = Program['mode'];

export interface Engine {
  readonly binding: TensorFlowBinding;
  /** For people, for instance `TensorFlow 2.21.0, CPU`. */
  readonly name: string;
}

/** @throws engine/runtime-missing, engine/runtime-broken */
export function openEngine({ bindingPath }: EngineHost): Engine {
  if (bindingPath === null) {
    throw new AppError('engine/runtime-missing', 'The TensorFlow runtime is not installed', {
      kind: 'environment',
      hint: 'Run `node scripts/tunesmith.mjs engine install`.',
    });
  }
  const binding = loadTensorFlow({ bindingPath });
  return { binding, name: `TensorFlow ${binding.TF_Version}, ${binding.isUsingGpuDevice() ? 'GPU' : 'CPU'}` };
}

/** TUNESMITH_EXECUTION=eager runs op by op: to tell a fault of the graph from one of the model. */
export function wantedMode(): ExecutionMode {
  return process.env['TUNESMITH_EXECUTION'] === 'eager' ? 'eager' : 'compiled';
}

/** @returns the program in the mode asked for */
export function makeProgram({ binding }: Engine, mode: ExecutionMode, options: ProgramOptions): Program {
  return mode === 'eager' ? new EagerProgram(binding, options) : new CompiledProgram(binding, options);
}
