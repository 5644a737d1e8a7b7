/**
 * @file Matrix products, without gradients. Both factors and the result have one dtype; bf16 products accumulate in f32 inside
 * oneDNN and cuBLAS.
 */
import { apply, type Tensor } from './tensor.ts';

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** [n, k] x [k, m] -> [n, m]. `MatMul`, not `BatchMatMulV2`: its bf16 kernel is the faster one on CPU. */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  if (a.dtype !== b.dtype) throw new Error(`internal: matmul of ${a.dtype} and ${b.dtype}`);
  const attrs = { T: { type: a.dtype }, transpose_a: transposeA, transpose_b: transposeB } as const;
  return apply(a.runner, 'MatMul', attrs, [a, b], a.dtype, [
    a.shape[transposeA ? 1 : 0]!,
    b.shape[transposeB ? 0 : 1]!,
  ]);
}

/** [..., n, k] x [..., k, m] -> [..., n, m]; leading axes must be equal. */
export function batchMatmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: MatmulOptions = {},
): Tensor {
  if (a.dtype !== b.dtype) throw new Error(`internal: batchMatmul of ${a.dtype} and ${b.dtype}`);
  const attrs = { T: { type: a.dtype }, adj_x: transposeA, adj_y: transposeB } as const;
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  return apply(a.runner, 'BatchMatMulV2', attrs, [a, b], a.dtype, [...a.shape.slice(0, -2), rows, columns]);
}
