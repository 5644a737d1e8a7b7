/**
 * @file The command line of the bench: which parts run, and what of them.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export const PART_NAMES = ['training', 'data', 'decode', 'ladder', 'scale'] as const;
export type PartName = (typeof PART_NAMES)[number];

export interface BenchOptions {
  readonly parts: readonly PartName[];
  /** null = the part's own plan. */
  readonly model: string | null;
  readonly workloads: readonly string[] | null;
  readonly rounds: number | null;
  readonly steps: number | null;
  /** Only the arms whose name holds this text. */
  readonly arms: string;
  readonly threads: number;
  /** The shortest pass that touches everything. */
  readonly quick: boolean;
  /** Measure although other work runs; the result then says so. */
  readonly busy: boolean;
  /** Whether the result is written down: only what is whole and was measured on a quiet machine. */
  readonly writes: boolean;
}

/** @throws where a part is unknown or a number is none */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      workload: { type: 'string', multiple: true },
      arms: { type: 'string', default: '' },
      rounds: { type: 'string' },
      steps: { type: 'string' },
      threads: { type: 'string', default: String(availableParallelism()) },
      quick: { type: 'boolean', default: false },
      busy: { type: 'boolean', default: false },
    },
  });
  return {
    parts: positionals.length === 0 ? PART_NAMES : positionals.map(asPart),
    model: values.model ?? null,
    workloads: values.workload ?? null,
    rounds: wholeNumber('rounds', values.rounds),
    steps: wholeNumber('steps', values.steps),
    arms: values.arms.toLowerCase(),
    threads: wholeNumber('threads', values.threads)!,
    quick: values.quick,
    busy: values.busy,
    writes: !values.quick && !values.busy && values.arms === '',
  };
}

function asPart(name: string): PartName {
  const found = PART_NAMES.find((part) => part === name);
  if (!found) throw new Error(`The bench has no part "${name}"; there are ${PART_NAMES.join(', ')}`);
  return found;
}

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} ${text}: expected a whole number above 0`);
  return Number(text);
}
