/**
 * @file The gate before a compiled run: one tiny step in both modes, from the same state, must give the same figures.
 *
 * The compiled program is the one that will run; the eager one borrows the same device memory and is gone afterwards. Where the graph
 * cannot be made or does not agree, the eager one stays and the reason is told: slower, but right. Before that, a graph whose entries fuse is
 * tried without.
 */
import { toBindingAttrs } from '../device/eager-runner.ts';
import type { DType } from '../device/dtype.ts';
import { emptyKernelCache, saysKernelCache } from '../device/kernel-cache.ts';
import { saysOutOfMemory } from '../device/out-of-memory.ts';
import type { ValueId } from '../device/runner.ts';
import type { TensorFlowBinding } from '../device/tensorflow-binding.ts';
import { CompiledProgram } from './compiled-program.ts';
import { EagerProgram } from './eager-program.ts';
import type { Entry, Program, ProgramOptions } from './program.ts';

/** Group -> variable -> value. */
export type GroupValues = Readonly<Record<string, ReadonlyMap<string, ValueId>>>;

export interface GateOptions {
  readonly binding: TensorFlowBinding;
  readonly program: ProgramOptions;
  /** Starting values of all groups that have some. Taken over. */
  readonly values: GroupValues;
  /** Runs a tiny step that may change variables. @returns figures to compare */
  readonly probe: (program: Program) => readonly number[];
  /** Largest difference relative to the figure (to 1 where that is smaller). */
  readonly tolerance: number;
  /** Told why the run goes on eagerly. */
  readonly onFallback: (reason: string) => void;
}

/** @returns a program whose variables hold the starting values */
export function makeGatedProgram(options: GateOptions): Program {
  const { binding, program, values, onFallback } = options;
  const eager = new EagerProgram(binding, program);
  const wanted = options.probe(fill(eager, share(options)));
  let reason = '';
  for (const entries of variantsOf(program.entries)) {
    const attempt = tryCompiled({ ...options, program: { ...program, entries } }, wanted);
    if (typeof attempt !== 'string') {
      eager.dispose();
      return fill(attempt, values);
    }
    reason = attempt;
  }
  onFallback(reason);
  return fill(eager, values);
}

/** The entries as they are and, where some of them fuse, without that: a runtime may have no compiler for it. */
function variantsOf(entries: readonly Entry[]): (readonly Entry[])[] {
  const plain = entries.map((entry) => ({ ...entry, fuses: false }));
  return entries.some(({ fuses }) => fuses) ? [entries, plain] : [entries];
}

/** @returns the compiled program after its trial, or why it cannot be used */
function tryCompiled(options: GateOptions, wanted: readonly number[], isSecond = false): CompiledProgram | string {
  const { binding, program, values, probe, tolerance } = options;
  let compiled: CompiledProgram | null = null;
  let reason: string;
  try {
    compiled = new CompiledProgram(binding, program);
    for (const [group, ids] of Object.entries(values)) compiled.setVariables(group, ids, { keep: true });
    const found = probe(compiled);
    const difference = Math.max(
      ...wanted.map((value, index) => Math.abs(value - found[index]!) / Math.max(1, Math.abs(value))),
    );
    if (difference <= tolerance) return compiled;
    reason = `a trial step gave ${found.join(', ')} instead of ${wanted.join(', ')}`;
  } catch (error) {
    if (saysOutOfMemory(String(error))) {
      compiled?.dispose();
      throw error;
    }
    reason = error instanceof Error ? error.message : String(error);
  }
  compiled?.dispose();
  if (isSecond || !saysKernelCache(reason)) return reason;
  // Compiled anew, they may be all right.
  emptyKernelCache();
  return tryCompiled(options, wanted, true);
}

function fill<P extends Program>(program: P, values: GroupValues): P {
  for (const [group, ids] of Object.entries(values)) program.setVariables(group, ids);
  return program;
}

/** Second handles on the same memory. */
function share({ binding, program, values }: GateOptions): GroupValues {
  return Object.fromEntries(
    Object.entries(values).map(([group, ids]) => {
      const dtypes = new Map((program.groups[group] ?? []).map(({ name, dtype }) => [name, dtype]));
      return [group, new Map([...ids].map(([name, id]) => [name, secondHandle(binding, id, dtypes.get(name)!)]))];
    }),
  );
}

function secondHandle(binding: TensorFlowBinding, id: ValueId, dtype: DType): ValueId {
  return binding.executeOp('Identity', toBindingAttrs({ T: { type: dtype } }), [id], 1)[0]!.id;
}
