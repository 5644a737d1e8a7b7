/**
 * @file Updates of embedding tables: DoRA beside the same of a linear whose input picks rows, and the padding row, which learns nothing.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import * as basics from '../../../../src-main/engine/ops/basics.ts';
import { doraTableUpdate, doraUpdate } from '../../../../src-main/engine/ops/dora.ts';
import { embeddingUpdate, frozenEmbedding, trainableEmbedding } from '../../../../src-main/engine/ops/embedding.ts';
import type { Parameter } from '../../../../src-main/engine/ops/linear.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { asLeaf, gradients, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

const RANK = 2;
const IDS = [4, 0, 4, 1, 4, 2];
const parameter = (leaf: Tensor): Parameter => ({ leaf, value: leaf });

/** A tensor of one's own for each name and shape. */
type Draw = (name: string, shape: readonly number[]) => Tensor;

interface Traced {
  readonly y: Tensor;
  /** What gradients of the sum of squares of y are taken for. */
  readonly leaves: readonly Tensor[];
}

/** Values of y and of the gradients. */
function run(trace: (draw: Draw, ids: Tensor) => Traced): number[][] {
  const runner = new EagerRunner(device);
  const found = runner.runStep({}, () => {
    const draw: Draw = (name, shape) => {
      const size = shape.reduce((product, side) => product * side, 1);
      return asLeaf(raw.constant(runner, drawNormal(5, name, size, 1), 'float32', shape));
    };
    const { y, leaves } = trace(draw, raw.constant(runner, Int32Array.from(IDS), 'int32', [2, 3]));
    const root = { value: basics.multiply(y, y), gradient: raw.fill(runner, y.shape, 1) };
    const grads = gradients([root], leaves, basics.sumGradients);
    return [y, ...grads].map((tensor) => [...(device.tensorDataSync(tensor!.id) as Float32Array)]);
  });
  runner.dispose();
  return found;
}

function expectClose(found: readonly number[][], wanted: readonly number[][]): void {
  expect(found.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
  found.forEach((values, at) => {
    const largest = Math.max(...wanted[at]!.map(Math.abs));
    values.forEach((value, i) => expect(Math.abs(value - wanted[at]![i]!)).toBeLessThan(1e-5 * largest));
  });
}

describe('DoRA of a table', () => {
  // The second is normed in two parts.
  it.each([
    [5, 4],
    [2100, 2048],
  ])('of %i rows is that of a linear whose input picks rows', (rows, hidden) => {
    const pieces = (draw: Draw) => {
      const [table, a, b] = [draw('table', [rows, hidden]), draw('a', [RANK, rows]), draw('b', [hidden, RANK])];
      const magnitude = draw('m', [hidden]);
      const update = { a: parameter(a), b: parameter(b), s: null, scale: 0.7 };
      return { table, update, magnitude: parameter(magnitude), leaves: [a, b, magnitude] };
    };
    const ours = run((draw, ids) => {
      const { table, leaves, ...rest } = pieces(draw);
      const y = doraTableUpdate({ ...rest, rows: frozenEmbedding(table, ids), ids, table, paddingRow: null });
      return { y, leaves };
    });
    const linear = run((draw, ids) => {
      const { table, leaves, ...rest } = pieces(draw);
      const picks = Float32Array.from({ length: 6 * rows }, (_, i) => (IDS[Math.floor(i / rows)] === i % rows ? 1 : 0));
      const x = raw.constant(ids.runner, picks, 'float32', [6, rows]);
      const base = raw.reshape(frozenEmbedding(table, ids), [6, hidden]);
      const y = doraUpdate({ ...rest, x, base, mask: null, weight: () => raw.transpose(table, [1, 0]) });
      return { y, leaves };
    });
    expectClose(ours, linear);
  });
});

describe('the padding row', () => {
  const PADDING = 4;
  const tables = (paddingRow: number | null) =>
    run((draw, ids) => {
      const table = draw('table', [5, 3]);
      return { y: trainableEmbedding(parameter(table), ids, paddingRow), leaves: [table] };
    });
  const updates = (paddingRow: number | null) =>
    run((draw, ids) => {
      const [rows, a, b] = [draw('rows', [2, 3, 4]), draw('a', [RANK, 5]), draw('b', [4, RANK])];
      const update = { a: parameter(a), b: parameter(b), s: null, scale: 0.7 };
      return { y: embeddingUpdate(rows, ids, update, paddingRow), leaves: [a, b, rows] };
    });

  it('of a table that is trained whole gets no gradient, the others theirs', () => {
    const [y, dTable] = tables(PADDING) as [number[], number[]];
    const [same, all] = tables(null) as [number[], number[]];
    expect(y).toEqual(same);
    expect(all.slice(3 * PADDING).every((value) => value !== 0)).toBe(true);
    expect(dTable).toEqual([...all.slice(0, 3 * PADDING), 0, 0, 0]);
  });

  it('gets no gradient in A, and B gets all of its own', () => {
    const [y, da, ...others] = updates(PADDING) as [number[], number[], number[], number[]];
    const [same, all, ...same2] = updates(null) as [number[], number[], number[], number[]];
    expect(y).toEqual(same);
    expect(others).toEqual(same2);
    expect(all.filter((_, i) => i % 5 === PADDING).every((value) => value !== 0)).toBe(true);
    expect(da).toEqual(all.map((value, i) => (i % 5 === PADDING ? 0 : value)));
  });
});
