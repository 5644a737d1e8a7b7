/**
 * @file A program of its own: times raw products through our TensorFlow binding. `roofline-binding.ts SPEC.json` prints one JSON
 * object with the median seconds of each product in f32 and bf16 (same spec as python/roofline.py).
 */
import { readFileSync } from 'node:fs';
import type { BindingAttr } from '../../src-main/engine/device/device.ts';
import { DTYPE_CODES } from '../../src-main/engine/device/dtype.ts';
import { loadTensorFlow, type TensorFlowBinding } from '../../src-main/engine/device/tensorflow-binding.ts';
import { median } from './statistics.ts';
import type { Product } from './workloads.ts';

/** Numbers of TF_AttrType. */
const BOOL = 3;
const TYPE = 4;
const LEAST_SECONDS = 0.3;
const LEAST_ROUNDS = 5;

interface Spec {
  readonly bindingPath: string;
  readonly products: readonly Product[];
}

function main(): void {
  const { bindingPath, products } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Spec;
  const binding = loadTensorFlow({ bindingPath });
  const time = (dtype: 'float32' | 'bfloat16') => products.map((product) => timeProduct(binding, product, dtype));
  process.stdout.write(`${JSON.stringify({ f32: time('float32'), bf16: time('bfloat16') })}\n`);
}

function timeProduct(binding: TensorFlowBinding, { batch, m, k, n }: Product, dtype: 'float32' | 'bfloat16'): number {
  const lead = batch === 1 ? [] : [batch];
  const left = makeMatrix(binding, [...lead, m, k], dtype);
  const right = makeMatrix(binding, [...lead, n, k], dtype);
  const [first, second] = batch === 1 ? ['transpose_a', 'transpose_b'] : ['adj_x', 'adj_y'];
  const attrs: BindingAttr[] = [
    { name: 'T', type: TYPE, value: DTYPE_CODES[dtype] },
    { name: first, type: BOOL, value: false },
    { name: second, type: BOOL, value: true },
  ];
  const multiply = () => {
    for (const { id } of binding.executeOp(batch === 1 ? 'MatMul' : 'BatchMatMulV2', attrs, [left, right], 1)) {
      binding.deleteTensor(id);
    }
  };
  const seconds = medianSeconds(multiply);
  binding.deleteTensor(left);
  binding.deleteTensor(right);
  return seconds;
}

function makeMatrix(binding: TensorFlowBinding, shape: readonly number[], dtype: 'float32' | 'bfloat16'): number {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const full = binding.createTensor(
    shape,
    DTYPE_CODES.float32,
    Float32Array.from({ length: size }, (_, i) => Math.sin(i)),
  );
  if (dtype === 'float32') return full;
  const attrs: BindingAttr[] = [
    { name: 'SrcT', type: TYPE, value: DTYPE_CODES.float32 },
    { name: 'DstT', type: TYPE, value: DTYPE_CODES.bfloat16 },
  ];
  const [cast] = binding.executeOp('Cast', attrs, [full], 1);
  binding.deleteTensor(full);
  if (cast === undefined) throw new Error('internal: Cast gave no output');
  return cast.id;
}

function medianSeconds(action: () => void): number {
  action();
  const times: number[] = [];
  for (let total = 0; times.length < LEAST_ROUNDS || total < LEAST_SECONDS;) {
    const start = performance.now();
    action();
    const seconds = (performance.now() - start) / 1000;
    times.push(seconds);
    total += seconds;
  }
  return median(times);
}

main();
