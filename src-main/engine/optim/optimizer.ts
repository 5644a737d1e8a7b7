/**
 * @file What an optimizer is here: a rule over one flat vector of parameters, with vectors of state beside it.
 */
import type { Runner, Variable } from '../device/runner.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { Bucket } from '../weights/trainables.ts';

export interface UpdateArguments {
  readonly runner: Runner;
  readonly bucket: Bucket;
  /** Parameters, f32 [size]. */
  readonly p: Tensor;
  /** Their clipped gradient. */
  readonly g: Tensor;
  /** State in the order of `slots`. */
  readonly state: readonly Tensor[];
  /** Learning rate of this bucket, an f32 scalar. */
  readonly lr: Tensor;
  /** What `scalars` gave for this step, f32 scalars. */
  readonly scalars: readonly Tensor[];
  /** 0 for buckets without weight decay. */
  readonly weightDecay: number;
}

export interface Optimizer {
  /** No number of a tensor depends on another: the whole update may run as one kernel. */
  readonly isElementwise: boolean;
  /** State kept beside a bucket; starts at zero. */
  slots(bucket: Bucket): readonly Variable[];
  /** Numbers that change from step to step and are the same for all buckets. @param step 1 for the first */
  scalars(step: number): readonly number[];
  /** New parameters and new state. */
  update(args: UpdateArguments): { readonly p: Tensor; readonly state: readonly Tensor[] };
}

/** A vector of state as long as the bucket. */
export function vectorSlot({ variable, size }: Bucket, name: string): Variable {
  return { name: `${variable.name}/${name}`, dtype: 'float32', shape: [size] };
}
