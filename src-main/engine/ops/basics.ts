/**
 * @file Differentiable versions of the simplest primitives. Larger ops (norms, attention, linears, the loss) have files of their own.
 */
import { isKnown, type Dim, type Shape } from '../device/dim.ts';
import type { DType } from '../device/dtype.ts';
import { addInReader, fused } from './fused.ts';
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

/** Sums a gradient back to the shape of an operand that was broadcast. */
export function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  const extra = gradient.shape.length - shape.length;
  const axes = gradient.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < extra || (shape[axis - extra] === 1 && gradient.shape[axis] !== 1));
  return axes.length === 0 ? gradient : raw.reshape(raw.sum(gradient, axes), shape);
}

/**
 * Sums two gradients of one value; where a bf16 product meets an f32 one the sum is f32. Those of activations, whose sizes are not known, go
 * into kernels mostly; and where a kernel made one it may add the other.
 */
export function sumGradients(a: Tensor, b: Tensor): Tensor {
  const dtype = a.dtype === b.dtype ? a.dtype : 'float32';
  const isKernels = a.chain || b.chain || !a.shape.every(isKnown);
  if (a.dtype === b.dtype && isKernels) return addInReader([a, b]);
  return raw.add(raw.cast(a, dtype), raw.cast(b, dtype));
}

/** a + b with NumPy broadcasting; both of one dtype. */
export function add(a: Tensor, b: Tensor): Tensor {
  const [out] = differentiable(
    a.runner,
    [a, b],
    () => [raw.add(a, b)],
    ([dy]) => [unbroadcast(dy!, a.shape), unbroadcast(dy!, b.shape)],
  );
  return out!;
}

/** Residual connection: stream (f32) + branch (any float dtype), f32. */
export function addToStream(stream: Tensor, branch: Tensor): Tensor {
  const [out] = differentiable(
    stream.runner,
    [stream, branch],
    () => fused([stream, branch], [stream.dtype], (x, y) => [raw.add(x, raw.cast(y, stream.dtype))]),
    ([dy]) => [dy!, ...(branch.dtype === dy!.dtype ? [dy!] : fused([dy!], [branch.dtype], (gradient) => [gradient]))],
  );
  return { ...out!, takesNarrowGradient: true };
}

/** a * b with NumPy broadcasting; both of one dtype. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  const [out] = differentiable(
    a.runner,
    [a, b],
    (save) => {
      save(a, b);
      return [raw.multiply(a, b)];
    },
    ([dy]) => [unbroadcast(raw.multiply(dy!, b), a.shape), unbroadcast(raw.multiply(dy!, a), b.shape)],
  );
  return out!;
}

/** x * factor. */
export function scale(x: Tensor, factor: number): Tensor {
  if (factor === 1) return x;
  const [out] = differentiable(
    x.runner,
    [x],
    () => [raw.multiply(x, factor)],
    ([dy]) => [raw.multiply(dy!, factor)],
  );
  return out!;
}

export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  const [out] = differentiable(
    x.runner,
    [x],
    () => [raw.cast(x, dtype)],
    ([dy]) => [raw.cast(dy!, x.dtype)],
  );
  return out!;
}

export function reshape(x: Tensor, shape: readonly (Dim | -1)[]): Tensor {
  const [out] = differentiable(
    x.runner,
    [x],
    () => [raw.reshape(x, shape)],
    ([dy]) => [raw.reshape(dy!, x.shape)],
  );
  return out!;
}

export function transpose(x: Tensor, order: readonly number[]): Tensor {
  const inverse = order.map((_, axis) => order.indexOf(axis));
  const [out] = differentiable(
    x.runner,
    [x],
    () => [raw.transpose(x, order)],
    ([dy]) => [raw.transpose(dy!, inverse)],
  );
  return out!;
}

/** Cuts an axis into pieces of known sizes. */
export function split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  if (sizes.length === 1) return [x];
  const pieces = sizes.map((size) => x.shape.map((dim, position) => (position === axis ? size : dim)));
  return differentiable(
    x.runner,
    [x],
    () => raw.split(x, sizes, axis),
    (dys) => [
      raw.concat(
        dys.map((dy, index) => dy ?? raw.fill(x.runner, pieces[index]!, 0, x.dtype)),
        axis,
      ),
    ],
  );
}

/** Joins along an axis whose sizes are known. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  if (parts.length === 1) return parts[0]!;
  const sizes = parts.map((part) => {
    const size = part.shape[axis]!;
    if (!isKnown(size)) throw new Error('internal: concat with a gradient needs known sizes');
    return size;
  });
  const [out] = differentiable(
    parts[0]!.runner,
    parts,
    () => [raw.concat(parts, axis)],
    ([dy]) => raw.split(dy!, sizes, axis),
  );
  return out!;
}

/** Multiplies by a 0/1-and-scale mask that needs no gradient (dropout). */
export function applyMask(x: Tensor, mask: Tensor): Tensor {
  const [out] = differentiable(
    x.runner,
    [x],
    (save) => {
      save(mask);
      return [raw.multiply(x, mask)];
    },
    ([dy]) => [raw.multiply(dy!, mask)],
  );
  return out!;
}
