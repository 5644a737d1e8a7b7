/**
 * @file Loads the engine that a host names, and builds programs on it.
 */
import { CompiledProgram } from '../compile/compiled-program.ts';
import { EagerProgram } from '../compile/eager-program.ts';
import type { Program, ProgramOptions } from '../compile/program.ts';
import type { Device } from '../device/device.ts';
import { loadTensorFlow, type TensorFlowBinding } from '../device/tensorflow-binding.ts';
import { loadWasmDevice } from '../device/wasm/wasm-device.ts';
import type { EngineHost } from './contract.ts';

export type ExecutionMode = Program['mode'];

export interface Engine {
  /** Where weights are loaded to and ops run one by one. */
  readonly device: Device;
  /** null = wasm: nothing can be compiled. */
  readonly binding: TensorFlowBinding | null;
  /** For people, for instance `TensorFlow 2.21.0, CPU`. */
  readonly name: string;
}

/**
 * TensorFlow where the host names it, else wasm.
 * @param options `shards`: of the batches of a run (`Execution.shards`); ops share the threads between them
 * @throws engine/runtime-missing, engine/runtime-broken
 */
export async function openEngine({ bindingPath }: EngineHost, { shards = 1 } = {}): Promise<Engine> {
  if (bindingPath === null) return { device: await loadWasmDevice(), binding: null, name: 'wasm, CPU' };
  const binding = loadTensorFlow({ bindingPath, shards });
  const name = `TensorFlow ${binding.TF_Version}, ${binding.isUsingGpuDevice() ? 'GPU' : 'CPU'}`;
  return { device: binding, binding, name };
}

export const isOnGpu = ({ binding }: Engine): boolean => binding?.isUsingGpuDevice() ?? false;

/** TUNESMITH_EXECUTION=eager runs op by op: to tell a fault of the graph from one of the model. */
export function wantedMode({ binding }: Engine): ExecutionMode {
  return binding === null || process.env['TUNESMITH_EXECUTION'] === 'eager' ? 'eager' : 'compiled';
}

/** @returns the program in the mode asked for */
export function makeProgram({ device, binding }: Engine, mode: ExecutionMode, options: ProgramOptions): Program {
  if (mode === 'eager') return new EagerProgram(device, options);
  if (binding === null) throw new Error('internal: the wasm engine compiles nothing');
  return new CompiledProgram(binding, options);
}
