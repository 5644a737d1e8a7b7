/**
 * @file The training step: forward, loss, backward, clipping, optimizer. One entry where a step is one batch; two where gradients of
 * several batches are added up first.
 *
 * The loss of a step is the mean over the labels of all its batches, as in Hugging Face's Trainer. A step whose gradient is
 * not finite changes nothing and says so.
 */
import type { Entry } from '../compile/program.ts';
import type { Runner, Variable } from '../device/runner.ts';
import type { Parameter } from '../ops/linear.ts';
import * as basics from '../ops/basics.ts';
import { fused } from '../ops/fused.ts';
import * as raw from '../ops/primitives.ts';
import { detach, gradients, makeTensor, type Tensor } from '../ops/tensor.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { WeightPlan } from '../weights/plan.ts';
import { type Bucket, flattenGradients, readParameters } from '../weights/trainables.ts';
import { makeContext } from '../weights/weights-context.ts';
import type { StepTask } from './step-task.ts';
import type { Specs } from './token-inputs.ts';

export interface TrainStepOptions {
  readonly task: StepTask;
  readonly plan: WeightPlan;
  readonly buckets: readonly Bucket[];
  readonly optimizer: Optimizer;
  readonly weightDecay: number;
  readonly checkpointing: boolean;
  /** Pieces of causal attention; must divide the length of every batch. */
  readonly attentionParts: number;
  /** Run what is between products as kernels of its own (`Entry.fuses`). */
  readonly fuses: boolean;
  /** Add up gradients over several batches before each update. */
  readonly accumulate: boolean;
}

/** Names of the scalars in the `hyper` input before the optimizer's own: learning rate, largest gradient norm (0 = no clipping). */
const FIXED_SCALARS = 2;

/** Host side of the `hyper` input. @param step 1 for the first optimizer step */
export function hyperArray(
  optimizer: Optimizer,
  step: number,
  learningRate: number,
  maxGradNorm: number,
): Float32Array {
  return Float32Array.of(learningRate, maxGradNorm, ...optimizer.scalars(step));
}

/** Variables beside the frozen weights: parameters, optimizer state, added-up gradients. */
export function trainVariables({ buckets, optimizer, accumulate }: TrainStepOptions): {
  state: Variable[];
  sums: Variable[];
} {
  return {
    state: buckets.flatMap((bucket) => [bucket.variable, ...optimizer.slots(bucket)]),
    sums: accumulate ? buckets.map(sumOf) : [],
  };
}

const sumOf = ({ variable, size }: Bucket): Variable => ({
  name: `${variable.name}/gradient`,
  dtype: 'float32',
  shape: [size],
});

/** Entry `train`, or `accumulate` and `apply`. Outputs: `loss` (scaled sum), `grad_norm`. */
export function trainEntries(options: TrainStepOptions): Entry[] {
  const hyper: Specs = { hyper: { dtype: 'float32', shape: [FIXED_SCALARS + options.optimizer.scalars(1).length] } };
  const batch: Specs = { ...options.task.inputs, seed: { dtype: 'int32', shape: [] } };
  if (!options.accumulate) {
    return [
      {
        name: 'train',
        inputs: { ...batch, ...hyper },
        fuses: options.fuses,
        run(runner, inputs) {
          const { loss, grads } = lossAndGradients(runner, options, inputs);
          return { loss, grad_norm: update(runner, options, grads, inputs['hyper']!) };
        },
      },
    ];
  }
  return [
    {
      name: 'accumulate',
      inputs: batch,
      fuses: options.fuses,
      run(runner, inputs) {
        const { loss, grads } = lossAndGradients(runner, options, inputs);
        options.buckets.forEach((bucket, index) => {
          const sum = sumOf(bucket);
          runner.assign(sum, raw.add(read(runner, sum), grads[index]!).id);
        });
        return { loss };
      },
    },
    {
      name: 'apply',
      inputs: hyper,
      fuses: options.fuses,
      run(runner, inputs) {
        const sums = options.buckets.map((bucket) => read(runner, sumOf(bucket)));
        const norm = update(runner, options, sums, inputs['hyper']!);
        for (const bucket of options.buckets) {
          const sum = sumOf(bucket);
          runner.assign(sum, raw.fill(runner, sum.shape, 0).id);
        }
        return { grad_norm: norm };
      },
    },
  ];
}

const read = (runner: Runner, variable: Variable): Tensor =>
  makeTensor(runner, runner.read(variable), variable.dtype, variable.shape);

function lossAndGradients(
  runner: Runner,
  options: TrainStepOptions,
  inputs: Readonly<Record<string, Tensor>>,
): { loss: Tensor; grads: Tensor[] } {
  const { task, plan, buckets, checkpointing, attentionParts } = options;
  const parameters = readParameters(runner, buckets, plan.compute, true);
  const seed = inputs['seed']!;
  const ctx = makeContext({ runner, plan, parameters, training: true, checkpointing, attentionParts, seed });
  const { loss: sum } = task.forward(ctx, inputs);
  const loss = basics.multiply(sum, inputs['loss_scale']!);
  const byName = gradientsOf(runner, loss, parameters);
  return { loss: detach(loss), grads: buckets.map((bucket) => flattenGradients(runner, bucket, byName)) };
}

function gradientsOf(
  runner: Runner,
  loss: Tensor,
  parameters: ReadonlyMap<string, Parameter>,
): Map<string, Tensor | null> {
  const names = [...parameters.keys()];
  const leaves = names.map((name) => parameters.get(name)!.leaf);
  const found = gradients([{ value: loss, gradient: raw.scalar(runner, 1) }], leaves, basics.sumGradients);
  return new Map(names.map((name, index) => [name, found[index]!]));
}

/** Clips by the global norm and applies the optimizer to every bucket. @returns the norm before clipping */
function update(runner: Runner, options: TrainStepOptions, grads: readonly Tensor[], hyper: Tensor): Tensor {
  const { buckets, optimizer, weightDecay } = options;
  const scalars = raw
    .split(
      hyper,
      Array.from({ length: hyper.shape[0] as number }, () => 1),
      0,
    )
    .map((part) => raw.reshape(part, []));
  const [lr, maxNorm, ...rest] = scalars as [Tensor, Tensor, ...Tensor[]];
  const norm = raw.sqrt(grads.map((grad) => raw.sumAll(raw.square(grad))).reduce((a, b) => raw.add(a, b)));
  // torch.nn.utils.clip_grad_norm_: factor max / (norm + 1e-6), at most 1.
  const clipped = raw.minimum(raw.divide(maxNorm, raw.add(norm, 1e-6)), 1);
  const factor = raw.select(raw.compare('Greater', maxNorm, 0), clipped, raw.scalar(runner, 1));
  const usable = raw.isFinite(norm);
  buckets.forEach((bucket, index) => {
    const slots = optimizer.slots(bucket);
    const kept = [bucket.variable, ...slots];
    const before = kept.map((variable) => read(runner, variable));
    const step = (...given: Tensor[]): Tensor[] => {
      const [g, usable, factor, rate, ...more] = given as [Tensor, Tensor, Tensor, Tensor, ...Tensor[]];
      const [p, ...state] = more.slice(0, kept.length) as [Tensor, ...Tensor[]];
      const next = optimizer.update({
        runner: p.runner,
        bucket,
        p,
        g: raw.multiply(g, factor),
        state,
        lr: bucket.lrRatio === 1 ? rate : raw.multiply(rate, bucket.lrRatio),
        scalars: more.slice(kept.length),
        weightDecay: bucket.decay ? weightDecay : 0,
      });
      return [next.p, ...next.state].map((value, at) => raw.select(usable, value, more[at]!));
    };
    const inputs = [grads[index]!, usable, factor, lr, ...before, ...rest];
    const dtypes = kept.map(({ dtype }) => dtype);
    const after = optimizer.isElementwise ? fused(inputs, dtypes, step) : step(...inputs);
    kept.forEach((variable, at) => runner.assign(variable, after[at]!.id));
  });
  return norm;
}
