/**
 * @file The gate before a compiled run: a graph that fuses is tried first, then one that does not, then single ops. Which of them stays is
 * seen in what the program says of itself and in the figures of its steps.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Entry, Program } from '../../../../src-main/engine/compile/program.ts';
import { makeGatedProgram } from '../../../../src-main/engine/compile/start-gate.ts';
import { symbol } from '../../../../src-main/engine/device/dim.ts';
import type { Runner, Variable } from '../../../../src-main/engine/device/runner.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { fused } from '../../../../src-main/engine/ops/fused.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { copyToDevice } from '../../../../src-main/engine/weights/load-weights.ts';
import { openBinding } from '../support/open-binding.ts';

const ROWS = symbol('rows');
const TOTAL: Variable = { name: 'total', dtype: 'float32', shape: [3] };
const START = [1, 2, 3];

type Way = 'fused' | 'plain' | 'eager';
/** What is wrong with one way to run the step; sees the sum that the step returns. */
type Fault = (sum: Tensor) => Tensor;

const FAULTS = {
  tracing: () => {
    throw new Error('it cannot be written down');
  },
  loading: (sum) => {
    const [id] = sum.runner.op('NoSuchOp', {}, [sum.id], 1);
    return makeTensor(sum.runner, id!, 'float32', []);
  },
  running: (sum) => raw.reshape(raw.fill(sum.runner, [2], 1), [3]),
  figures: (sum) => raw.multiply(sum, 1.01),
  'not a number': (sum) => raw.divide(raw.subtract(sum, sum), 0),
} satisfies Readonly<Record<string, Fault>>;
const KINDS = Object.keys(FAULTS) as (keyof typeof FAULTS)[];

/** Adds the rows of x, squared as a chain, to the variable. @param faults by the way that the step is run */
function makeEntry(faults: Readonly<Partial<Record<Way, Fault>>>): Entry {
  return {
    name: 'add',
    inputs: { x: { dtype: 'float32', shape: [ROWS, 3] } },
    fuses: true,
    run(runner, { x }) {
      const before = makeTensor(runner, runner.read(TOTAL), 'float32', [3]);
      const [squares] = fused([x!, before], ['float32'], (value, more) => [raw.add(raw.square(value), more)]);
      const total = raw.add(before, raw.sum(squares!, [0]));
      runner.assign(TOTAL, total.id);
      const sum = raw.sumAll(total);
      return { sum: faults[wayOf(runner, x!)]?.(sum) ?? sum };
    },
  };
}

function wayOf(runner: Runner, x: Tensor): Way {
  if (runner.mode === 'eager') return 'eager';
  const chain = runner.fused([x], (_, [id]) => [{ id: id!, dtype: 'float32' }]);
  return chain === null ? 'plain' : 'fused';
}

const add = (program: Program, rows: number): number =>
  program.call('add', { rows }, { x: Float32Array.from({ length: rows * 3 }, (_, at) => at % 4) })['sum']![0]!;

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

/** Passes the gate. @returns what came of it, after two steps of other sizes from the starting values */
function pass(faults: Readonly<Partial<Record<Way, Fault>>>) {
  const alive = binding.getNumOfTensors();
  const reasons: string[] = [];
  const program = makeGatedProgram({
    binding,
    program: { entries: [makeEntry(faults)], groups: { state: [TOTAL] } },
    values: {
      state: new Map([[TOTAL.name, copyToDevice(binding, Float32Array.from(START), 'float32', [3], 'float32')]]),
    },
    probe: (trial) => [add(trial, 1)],
    tolerance: 1e-3,
    onFallback: (reason) => reasons.push(reason),
  });
  const start = [...program.readVariables('state').get(TOTAL.name)!];
  const figures = [add(program, 2), add(program, 5)];
  const { mode, fuses } = program;
  program.dispose();
  expect(binding.getNumOfTensors()).toBe(alive);
  return { mode, fuses, start, figures, reasons };
}

/** By hand: what the steps above give. */
function wantedFigures(): number[] {
  const total = [...START];
  return [2, 5].map((rows) => {
    const before = [...total];
    for (let at = 0; at < rows * 3; at += 1) total[at % 3]! += (at % 4) ** 2 + before[at % 3]!;
    return total.reduce((sum, value) => sum + value, 0);
  });
}
const STEPS = { start: START, figures: wantedFigures() };

describe('the gate', () => {
  it('lets the graph through that fuses', () => {
    expect(pass({})).toEqual({ mode: 'compiled', fuses: true, ...STEPS, reasons: [] });
  });

  it.each(KINDS)('goes on without fusing where that is at fault (%s), and says nothing', (kind) => {
    expect(pass({ fused: FAULTS[kind] })).toEqual({ mode: 'compiled', fuses: false, ...STEPS, reasons: [] });
  });

  it.each(KINDS)('goes on op by op where both graphs are at fault (%s), and says why', (kind) => {
    const { reasons, ...passed } = pass({ fused: FAULTS.tracing, plain: FAULTS[kind] });
    expect(passed).toEqual({ mode: 'eager', fuses: false, ...STEPS });
    expect(reasons).toHaveLength(1);
    const sum = START.reduce((total, value) => total + value, 0) * 2 + 5;
    const said = {
      tracing: 'it cannot be written down',
      loading: 'NoSuchOp',
      running: /reshape/i,
      figures: `instead of ${sum}`,
      'not a number': 'NaN',
    };
    expect(reasons[0]).toMatch(said[kind]);
  });

  it.each(['fused', 'plain'] as const)('passes on that memory ran out (%s)', (way) => {
    const exhausted: Fault = () => {
      throw new Error('OOM when allocating tensor with shape[4,64] and type float');
    };
    const before = way === 'plain' ? { fused: FAULTS.figures } : {};
    expect(() => pass({ ...before, [way]: exhausted })).toThrow('OOM when allocating');
  });

  it('passes on what is wrong with the step itself', () => {
    expect(() => pass({ eager: FAULTS.tracing })).toThrow('cannot be written down');
  });
});
