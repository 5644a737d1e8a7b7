/**
 * @file NumPy's broadcasting as few long runs: a run goes along the last axes, and in it each operand either moves by one or stands still.
 */

/** @throws where the shapes do not broadcast */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((size) => size !== 1);
    if (sizes.some((size) => size !== sizes[0])) {
      throw new Error(
        `internal: shapes ${shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ')} do not broadcast`,
      );
    }
    return sizes[0] ?? 1;
  });
}

export interface Run {
  /** First element of the result. */
  at: number;
  /** Elements. */
  readonly length: number;
  /** First element of each operand; by how much it moves, 0 or 1. */
  readonly starts: number[];
  readonly steps: readonly number[];
}

/** Visits all runs of a result of `shape`. The object is the same each time. */
export function forEachRun(
  shape: readonly number[],
  operands: readonly (readonly number[])[],
  visit: (run: Run) => void,
): void {
  const axes = joinAxes(shape, operands);
  const inner = axes.pop() ?? { size: 1, strides: operands.map(() => 0) };
  const run: Run = { at: 0, length: inner.size, starts: operands.map(() => 0), steps: inner.strides };
  const index = axes.map(() => 0);
  const runs = axes.reduce((product, { size }) => product * size, 1);
  for (let count = 0; count < runs; count += 1) {
    visit(run);
    run.at += inner.size;
    for (let axis = axes.length - 1; axis >= 0; axis -= 1) {
      const { size, strides } = axes[axis]!;
      index[axis]! += 1;
      const back = index[axis] === size ? size - 1 : -1;
      for (let i = 0; i < strides.length; i += 1) run.starts[i]! -= strides[i]! * back;
      if (back < 0) break;
      index[axis] = 0;
    }
  }
}

interface Axis {
  readonly size: number;
  /** Elements of each operand from one index to the next; 0 where it is repeated. */
  readonly strides: readonly number[];
}

/** Axes of size 1 dropped, and neighbours joined along which every operand goes on evenly. */
function joinAxes(shape: readonly number[], operands: readonly (readonly number[])[]): Axis[] {
  const joined: Axis[] = [];
  const passed = operands.map(() => 1);
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const size = shape[axis]!;
    if (size === 1) continue;
    const strides = operands.map((operand, index) => {
      const own = operand[axis - shape.length + operand.length] ?? 1;
      const stride = own === 1 ? 0 : passed[index]!;
      passed[index]! *= own;
      return stride;
    });
    const [next] = joined;
    if (next && strides.every((stride, index) => stride === next.strides[index]! * next.size)) {
      joined[0] = { size: size * next.size, strides: next.strides };
    } else joined.unshift({ size, strides });
  }
  return joined;
}
