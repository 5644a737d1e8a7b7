/**
 * @file Adafactor as Hugging Face's Trainer sets it up: the given learning rate, no momentum, no scaling by the parameters' size.
 *
 * The running mean of the squared gradient of a matrix is kept as one number per row and one per column; that of a vector in full. Each
 * tensor's step is scaled down where its root mean square is above 1. Sources: Shazeer & Stern 2018;
 * transformers.optimization.Adafactor(scale_parameter=False, relative_step=False), whose constants these are.
 */
import type { Variable } from '../device/runner.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import { type Bucket, sizeOfTensor, type TrainedTensor } from '../weights/trainables.ts';
import type { Optimizer } from './optimizer.ts';
import { shrink } from './weight-decay.ts';

/** Added to squared gradients. */
const EPSILON = 1e-30;
const DECAY_RATE = -0.8;

/** The parts of the state, in the order of the slots; a part that no tensor of the bucket has gets no slot. */
const PARTS = ['exp_avg_sq_row', 'exp_avg_sq_col', 'exp_avg_sq'] as const;
type Part = (typeof PARTS)[number];

const isFactored = ({ shape }: TrainedTensor): boolean => shape.length >= 2;
const columnsOf = ({ shape }: TrainedTensor): number => shape.at(-1)!;
const rowsOf = (entry: TrainedTensor): number => sizeOfTensor(entry) / columnsOf(entry);

/** Values of state that a tensor has in each part. */
function sizeIn(part: Part, entry: TrainedTensor): number {
  if (!isFactored(entry)) return part === 'exp_avg_sq' ? sizeOfTensor(entry) : 0;
  if (part === 'exp_avg_sq') return 0;
  return part === 'exp_avg_sq_row' ? rowsOf(entry) : columnsOf(entry);
}

export function makeAdafactor(): Optimizer {
  return {
    isElementwise: false,
    slots: (bucket) => partsOf(bucket).map((part) => slotOf(bucket, part)),
    scalars: (step) => [1 - step ** DECAY_RATE],
    update(args) {
      const { bucket, g, lr, scalars } = args;
      const beta2 = scalars[0]!;
      const states = cutState(bucket, args.state);
      const grads = raw.split(g, bucket.entries.map(sizeOfTensor), 0);
      const next = bucket.entries.map((entry, index) => stepOf(entry, grads[index]!, states.get(entry)!, beta2));
      const moves = raw.concat(
        next.map(({ step }) => step),
        0,
      );
      return {
        p: raw.subtract(shrink(args), raw.multiply(moves, lr)),
        state: partsOf(bucket).map((part) =>
          raw.concat(
            next.flatMap(({ state }) => state[part] ?? []),
            0,
          ),
        ),
      };
    },
  };
}

const partsOf = ({ entries }: Bucket): Part[] =>
  PARTS.filter((part) => entries.some((entry) => sizeIn(part, entry) > 0));

function slotOf({ variable, entries }: Bucket, part: Part): Variable {
  const size = entries.reduce((sum, entry) => sum + sizeIn(part, entry), 0);
  return { name: `${variable.name}/${part}`, dtype: 'float32', shape: [size] };
}

type TensorState = Partial<Record<Part, Tensor>>;

function cutState(bucket: Bucket, state: readonly Tensor[]): Map<TrainedTensor, TensorState> {
  const cut = new Map<TrainedTensor, TensorState>(bucket.entries.map((entry) => [entry, {}]));
  partsOf(bucket).forEach((part, index) => {
    const owners = bucket.entries.filter((entry) => sizeIn(part, entry) > 0);
    const pieces = raw.split(
      state[index]!,
      owners.map((entry) => sizeIn(part, entry)),
      0,
    );
    owners.forEach((entry, at) => (cut.get(entry)![part] = pieces[at]!));
  });
  return cut;
}

/** @param flat gradient of one tensor, [size]. @returns its step before the learning rate, [size] */
function stepOf(
  entry: TrainedTensor,
  flat: Tensor,
  state: TensorState,
  beta2: Tensor,
): { step: Tensor; state: TensorState } {
  const blend = (past: Tensor, now: Tensor): Tensor =>
    raw.add(raw.multiply(past, beta2), raw.multiply(now, raw.subtract(raw.scalar(flat.runner, 1), beta2)));
  if (!isFactored(entry)) {
    const squares = blend(state.exp_avg_sq!, raw.add(raw.square(flat), EPSILON));
    return { step: limit(raw.multiply(raw.rsqrt(squares), flat)), state: { exp_avg_sq: squares } };
  }
  const grad = raw.reshape(flat, [rowsOf(entry), columnsOf(entry)]);
  const squares = raw.add(raw.square(grad), EPSILON);
  const rows = blend(state.exp_avg_sq_row!, raw.mean(squares, [1]));
  const columns = blend(state.exp_avg_sq_col!, raw.mean(squares, [0]));
  const rowFactor = raw.rsqrt(raw.divide(rows, raw.mean(rows, [0], true)));
  const factors = raw.multiply(raw.reshape(rowFactor, [-1, 1]), raw.rsqrt(columns));
  const step = raw.reshape(limit(raw.multiply(factors, grad)), flat.shape);
  return { step, state: { exp_avg_sq_row: rows, exp_avg_sq_col: columns } };
}

/** u / max(1, rms(u)) */
function limit(u: Tensor): Tensor {
  const axes = u.shape.map((_, axis) => axis);
  return raw.divide(u, raw.maximum(raw.sqrt(raw.mean(raw.square(u), axes)), 1));
}
