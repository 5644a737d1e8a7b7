/**
 * @file The method document's example on the device, its numbers worked out by hand: W [4, 3], rank 2.
 *
 *     A = | 0.1 0.2 |   B = | 1 2 |   A B^T = | 0.5 1.1 1.7 |   s = (1, 2, -0.5, 0)
 *         | 0.3 0.4 |       | 3 4 |           | 1.1 2.5 3.9 |
 *         | 0.5 0.6 |       | 5 6 |           | 1.7 3.9 6.1 |
 *         | 0.7 0.8 |                         | 2.3 5.3 8.3 |
 *
 * In PEFT's words its A is lora_B [out, r], its B^T is lora_A [r, in], and alpha = r.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EagerRunner } from '../../src-main/engine/device/eager-runner.ts';
import { loadTensorFlow, type TensorFlowBinding } from '../../src-main/engine/device/tensorflow-binding.ts';
import { sumGradients } from '../../src-main/engine/ops/basics.ts';
import { frozenLinear, lowRankUpdate, type Parameter } from '../../src-main/engine/ops/linear.ts';
import { constant } from '../../src-main/engine/ops/primitives.ts';
import { asLeaf, gradients, type Tensor } from '../../src-main/engine/ops/tensor.ts';
import { tensorFlowPath } from '../support/tensorflow.ts';

const W = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const LORA_B = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const LORA_A = [1, 3, 5, 2, 4, 6];
const S = [1, 2, -0.5, 0];
const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

let binding: TensorFlowBinding;
let runner: EagerRunner;
beforeAll(async () => {
  binding = loadTensorFlow({ bindingPath: await tensorFlowPath() });
  runner = new EagerRunner(binding);
});
afterAll(() => runner.dispose());

const tensor = (values: readonly number[], shape: readonly number[]) =>
  constant(runner, Float32Array.from(values), 'float32', shape);
const parameter = (values: readonly number[], shape: readonly number[]): Parameter => {
  const leaf = asLeaf(tensor(values, shape));
  return { leaf, value: leaf };
};
const read = ({ id }: Tensor) => Array.from(binding.tensorDataSync(id) as Float32Array);
const rounded = (values: readonly number[]) => values.map((value) => Math.round(value * 1e4) / 1e4);

/** Rows of the identity go through, so that the outputs are the columns of the updated W. @param s null = LoRA */
function run(s: readonly number[] | null) {
  const update = {
    a: parameter(LORA_A, [2, 3]),
    b: parameter(LORA_B, [4, 2]),
    s: s && parameter(s, [4]),
    scale: 1,
  };
  return runner.runStep({}, () => {
    const x = tensor(IDENTITY, [3, 3]);
    const base = frozenLinear(x, () => tensor(W, [4, 3]), [4]);
    const [y] = lowRankUpdate(x, base, [update]);
    const leaves = [update.a.leaf, update.b.leaf, ...(update.s ? [update.s.leaf] : [])];
    const ones = tensor(new Array<number>(12).fill(1), [3, 4]);
    const found = gradients([{ value: y!, gradient: ones }], leaves, sumGradients);
    return { columns: rounded(read(y!)), gradients: found.map((gradient) => rounded(read(gradient!))) };
  });
}

it('LoRA: W + A B^T', () => {
  // Row i of what is listed is column i of the sum.
  expect(run(null).columns).toEqual([...[1.5, 5.1, 8.7, 12.3], ...[3.1, 7.5, 11.9, 16.3], ...[4.7, 9.9, 15.1, 20.3]]);
});

it('Quasi-LoRA: W + diag(s) (A B^T)', () => {
  expect(run(S).columns).toEqual([...[1.5, 6.2, 6.15, 10], ...[3.1, 10, 6.05, 11], ...[4.7, 13.8, 5.95, 12]]);
});

it('gradients of the sum of all outputs', () => {
  const [a, b, s] = run(S).gradients;
  // ds: the row sums of A B^T.
  expect(s).toEqual([3.3, 7.5, 11.7, 15.9]);
  // Of A: s times the column sums of B (9, 12), row by row.
  expect(b).toEqual([9, 12, 18, 24, -4.5, -6, 0, 0]);
  // Of B^T: the sums of s A over its rows, 0.1 + 0.6 - 0.25 and 0.2 + 0.8 - 0.3, for each column.
  expect(a).toEqual([0.45, 0.45, 0.45, 0.7, 0.7, 0.7]);
});
