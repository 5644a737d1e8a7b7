/**
 * @file Gradients of hand-written ops against finite differences.
 *
 * Every output is weighed with fixed random numbers and summed on the host in f64; the slope of this sum along each single value of
 * each input comes from a five-point stencil, whose error of order h^4 allows steps that are large beside f32's rounding.
 */
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { knownShape } from '../../../../src-main/engine/device/dim.ts';
import type { Runner } from '../../../../src-main/engine/device/runner.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { sumGradients } from '../../../../src-main/engine/ops/basics.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { asLeaf, gradients, makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';

export interface InputOptions {
  readonly shape: readonly number[];
  /** Instead of normal numbers. */
  readonly values?: readonly number[];
}

/** The inputs by name; `fixed` holds them as they were before any was moved. */
export type Program = (inputs: Tensors, fixed: Tensors, runner: Runner) => readonly Tensor[];
type Tensors = Readonly<Record<string, Tensor>>;
type Values = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

const STEP = 0.04;
/** Weights of f(x + k h) in the slope at x, times 12 h. */
const STENCIL = [
  [-2, 1],
  [-1, -8],
  [1, 8],
  [2, -1],
] as const;
/** Values of one input that are moved; of larger ones every so many. */
const MOST_MOVED = 48;
const SEED = 5;

export interface GradientError {
  readonly input: string;
  /** Largest difference relative to the slope, or to the slopes' root mean square where that is larger. */
  readonly error: number;
  /** Root mean square of the slopes. */
  readonly scale: number;
}

/** Compares every input's gradient. Leaves no tensor behind. */
export function measureGradients(
  device: Device,
  inputs: Readonly<Record<string, InputOptions>>,
  program: Program,
): GradientError[] {
  const runner = new EagerRunner(device);
  const base = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, values }]) => {
      const size = shape.reduce((product, side) => product * side, 1);
      return [name, values ? Float32Array.from(values) : drawNormal(SEED, name, size, 1)];
    }),
  );
  try {
    const analytic = runner.runStep({}, () => differentiate(device, runner, inputs, base, program));
    return Object.keys(inputs).map((input) => {
      const numeric = slopesAlong(device, runner, inputs, base, program, input);
      return { input, ...compare(numeric, analytic.get(input)!) };
    });
  } finally {
    runner.dispose();
  }
}

function upload(runner: EagerRunner, inputs: Readonly<Record<string, InputOptions>>, values: Values): Tensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [
      name,
      makeTensor(runner, runner.input(values[name]!, 'float32', shape), 'float32', shape),
    ]),
  );
}

const weightsOf = (index: number, size: number): Float32Array<ArrayBuffer> =>
  drawNormal(SEED, `weights ${index}`, size, 1);

const sizeOf = ({ shape }: Tensor): number => knownShape(shape).reduce((product, side) => product * side, 1);

function differentiate(
  device: Device,
  runner: EagerRunner,
  inputs: Readonly<Record<string, InputOptions>>,
  base: Values,
  program: Program,
): Map<string, Float32Array | null> {
  const fixed = upload(runner, inputs, base);
  const leaves = Object.fromEntries(Object.entries(fixed).map(([name, tensor]) => [name, asLeaf(tensor)]));
  const roots = program(leaves, fixed, runner).map((value, index) => {
    const weights = raw.constant(runner, weightsOf(index, sizeOf(value)), 'float32', knownShape(value.shape));
    return { value, gradient: weights };
  });
  const found = gradients(roots, Object.values(leaves), sumGradients);
  const names = Object.keys(leaves);
  return new Map(
    found.map((gradient, index) => {
      if (gradient === null) return [names[index]!, null];
      const values = new Float32Array(device.tensorDataSync(gradient.id) as Float32Array);
      return [names[index]!, values];
    }),
  );
}

/** Places that are moved -> slope there. */
function slopesAlong(
  device: Device,
  runner: EagerRunner,
  inputs: Readonly<Record<string, InputOptions>>,
  base: Values,
  program: Program,
  name: string,
): Map<number, number> {
  const size = base[name]!.length;
  const stride = Math.max(1, Math.floor(size / MOST_MOVED));
  const slopes = new Map<number, number>();
  for (let place = 0; place < size; place += stride) {
    let slope = 0;
    for (const [steps, weight] of STENCIL) {
      const moved = base[name]!.slice();
      moved[place]! += steps * STEP;
      slope += weight * weighedSum(device, runner, inputs, base, { ...base, [name]: moved }, program);
    }
    slopes.set(place, slope / (12 * STEP));
  }
  return slopes;
}

function weighedSum(
  device: Device,
  runner: EagerRunner,
  inputs: Readonly<Record<string, InputOptions>>,
  base: Values,
  moved: Values,
  program: Program,
): number {
  return runner.runStep({}, () => {
    const outputs = program(upload(runner, inputs, moved), upload(runner, inputs, base), runner);
    return outputs.reduce((total, output, index) => {
      const values = device.tensorDataSync(output.id) as Float32Array;
      const weights = weightsOf(index, values.length);
      return total + weights.reduce((sum, weight, at) => sum + weight * values[at]!, 0);
    }, 0);
  });
}

function compare(
  numeric: ReadonlyMap<number, number>,
  analytic: Float32Array | null,
): { error: number; scale: number } {
  const slopes = [...numeric.values()];
  const scale = Math.sqrt(slopes.reduce((sum, slope) => sum + slope ** 2, 0) / slopes.length);
  let error = 0;
  for (const [place, slope] of numeric) {
    const difference = Math.abs((analytic?.[place] ?? 0) - slope);
    const relative = difference / Math.max(Math.abs(slope), scale);
    if (!(relative <= error)) error = Number.isNaN(relative) ? Infinity : relative;
  }
  return { error, scale };
}
