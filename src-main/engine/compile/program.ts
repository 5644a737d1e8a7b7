/**
 * @file A set of step functions over shared device variables, run op by op or as one compiled graph: same contract, same numbers.
 *
 * An entry (train, evaluate, prefill, decode …) is a pure function over a runner: it gets its inputs, reads and assigns variables
 * and returns its outputs. `EagerProgram` calls it at each step; `CompiledProgram` traces it once.
 */
import type { Shape } from '../device/dim.ts';
import type { DType } from '../device/dtype.ts';
import type { HostArray, Runner, ValueId, Variable } from '../device/runner.ts';
import type { Tensor } from '../ops/tensor.ts';

export interface InputSpec {
  readonly dtype: DType;
  /** Unknown sizes are symbols; `sizes` of a call gives their values. */
  readonly shape: Shape;
}

export interface Entry {
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /**
   * Chains of ops between products run as kernels of their own, where the device can (`Runner.fused`). They are compiled anew for each set of
   * sizes, so this is for entries that see few of them. Not where left out.
   */
  readonly fuses?: boolean;
  /** Returns f32 or int32 values. */
  run(runner: Runner, inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
}

export interface ProgramOptions {
  readonly entries: readonly Entry[];
  /** Group -> its variables. A group is written and read as a whole. */
  readonly groups: Readonly<Record<string, readonly Variable[]>>;
}

export type Sizes = Readonly<Record<string, number>>;
export type HostResult = Float32Array | Int32Array;

export interface Program {
  readonly mode: 'eager' | 'compiled';
  /** Whether entries that ask for it fuse (`Entry.fuses`). */
  readonly fuses: boolean;
  /** Gives every variable of a group its value. Takes over the ids. */
  setVariables(group: string, values: ReadonlyMap<string, ValueId>): void;
  /** Values of a group of f32 variables, by name. */
  readVariables(group: string): Map<string, Float32Array<ArrayBuffer>>;
  /** Runs one entry. @returns its outputs by name. */
  call(entry: string, sizes: Sizes, inputs: Readonly<Record<string, HostArray>>): Record<string, HostResult>;
  /** Frees the variables and the graph. */
  dispose(): void;
}

/** The shape of an input with its sizes filled in. */
export function inputOf(entries: readonly Entry[], name: string): Entry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (!entry) throw new Error(`internal: there is no entry ${name}`);
  return entry;
}
