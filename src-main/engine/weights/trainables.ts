/**
 * @file Trained tensors packed into a few flat f32 vectors, so that clipping and the optimizer are a handful of ops.
 *
 * Tensors that share weight decay and learning-rate factor share a bucket; large ones have a bucket of their own, because cutting
 * them out of a vector and joining their gradients would cost a copy each.
 */
import type { FloatDType } from '../device/dtype.ts';
import type { Runner, Variable } from '../device/runner.ts';
import type { Parameter } from '../ops/linear.ts';
import * as raw from '../ops/primitives.ts';
import { asLeaf, makeTensor, type Tensor } from '../ops/tensor.ts';

/** What is to be known of a trained tensor. */
export interface TrainedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly decay: boolean;
  readonly lrRatio: number;
}

export interface Bucket {
  readonly variable: Variable;
  readonly entries: readonly TrainedTensor[];
  readonly decay: boolean;
  readonly lrRatio: number;
  /** Values in all entries. */
  readonly size: number;
}

/** Above this many values a tensor has its own bucket. */
const LARGE = 1 << 20;

export const sizeOfTensor = ({ shape }: Pick<TrainedTensor, 'shape'>): number => shape.reduce((a, b) => a * b, 1);

/** Values of all tensors together. */
export const countValues = (tensors: readonly Pick<TrainedTensor, 'shape'>[]): number =>
  tensors.reduce((sum, tensor) => sum + sizeOfTensor(tensor), 0);

/** Packs tensors in their order. */
export function makeBuckets(tensors: readonly TrainedTensor[]): Bucket[] {
  const groups = new Map<string, TrainedTensor[]>();
  for (const tensor of tensors) {
    const own = sizeOfTensor(tensor) > LARGE ? tensor.name : '';
    const key = `${tensor.decay}/${tensor.lrRatio}/${own}`;
    groups.set(key, [...(groups.get(key) ?? []), tensor]);
  }
  return [...groups.values()].map((entries, index): Bucket => {
    const size = entries.reduce((sum, entry) => sum + sizeOfTensor(entry), 0);
    const variable: Variable = { name: `trained/${index}`, dtype: 'float32', shape: [size] };
    return { variable, entries, decay: entries[0]!.decay, lrRatio: entries[0]!.lrRatio, size };
  });
}

/** The parameters inside the buckets, by name. @param training false = values only, nothing to differentiate. */
export function readParameters(
  runner: Runner,
  buckets: readonly Bucket[],
  compute: FloatDType,
  training: boolean,
): Map<string, Parameter> {
  const parameters = new Map<string, Parameter>();
  for (const { variable, entries } of buckets) {
    const flat = makeTensor(runner, runner.read(variable), 'float32', variable.shape);
    const sizes = entries.map(sizeOfTensor);
    const wide = raw.split(flat, sizes, 0);
    const narrow = compute === 'float32' ? wide : raw.split(raw.cast(flat, compute), sizes, 0);
    entries.forEach(({ name, shape }, index) => {
      const leaf = raw.reshape(wide[index]!, shape);
      const value = compute === 'float32' ? leaf : raw.reshape(narrow[index]!, shape);
      parameters.set(name, { leaf: training ? asLeaf(leaf) : leaf, value });
    });
  }
  return parameters;
}

/** Gradients of a bucket's entries as one f32 vector; null = zeros. */
export function flattenGradients(runner: Runner, bucket: Bucket, grads: ReadonlyMap<string, Tensor | null>): Tensor {
  const found = bucket.entries.map(({ name }) => grads.get(name) ?? null);
  const dtypes = new Set(found.flatMap((grad) => (grad ? [grad.dtype] : [])));
  // Of one dtype they are widened together.
  const dtype = dtypes.size === 1 ? [...dtypes][0]! : 'float32';
  const parts = bucket.entries.map((entry, index) => {
    const grad = found[index];
    const size = sizeOfTensor(entry);
    return grad ? raw.reshape(raw.cast(grad, dtype), [size]) : raw.fill(runner, [size], 0, dtype);
  });
  return raw.cast(raw.concat(parts, 0), 'float32');
}

/** Values by tensor name -> values by bucket. */
export function packValues(
  bucket: Bucket,
  values: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(bucket.size);
  let at = 0;
  for (const entry of bucket.entries) {
    const part = values.get(entry.name);
    if (!part || part.length !== sizeOfTensor(entry)) throw new Error(`internal: no values for ${entry.name}`);
    flat.set(part, at);
    at += part.length;
  }
  return flat;
}

/** Values by bucket -> values by tensor name. */
export function unpackValues(
  bucket: Bucket,
  flat: Float32Array<ArrayBuffer>,
): [name: string, values: Float32Array<ArrayBuffer>][] {
  let at = 0;
  return bucket.entries.map((entry) => {
    const begin = at;
    at += sizeOfTensor(entry);
    return [entry.name, flat.slice(begin, at)];
  });
}
