/**
 * @file A device value with its dtype and shape, and the way gradients find back through it.
 *
 * Differentiation is reverse mode at the granularity of hand-written ops: `differentiable` runs an op's forward code without
 * recording, keeps what its backward needs, and links inputs to outputs; `gradients` walks these links backwards. Nothing is
 * linked where no input needs a gradient, so frozen weights never get one.
 */
import { type Shape } from '../device/dim.ts';
import type { DType } from '../device/dtype.ts';
import type { Attrs, Runner, ValueId } from '../device/runner.ts';

export interface Tensor {
  readonly runner: Runner;
  readonly id: ValueId;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Where the value came from, if a gradient may flow through it. */
  readonly origin: { readonly link: GradientLink; readonly output: number } | null;
  /** A leaf that gradients are wanted for. */
  readonly isLeaf: boolean;
  /** How a kernel made it, where the kernel that reads it may do that work itself (ops/fused.ts). */
  readonly chain?: Chain;
  /** What made it takes its gradient in any float dtype. */
  readonly takesNarrowGradient?: boolean;
}

/** Work that runs as one kernel. `body` gets the inputs in order, in f32, on the runner that it is to use. */
export interface Chain {
  readonly inputs: readonly Tensor[];
  readonly body: (...inputs: Tensor[]) => readonly Tensor[];
}

/** One differentiable op that was applied. */
interface GradientLink {
  readonly order: number;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly backward: Backward;
}

/** Gradients of the inputs from those of the outputs (null = zero). Input and output order as in `differentiable`. */
export type Backward = (outputGradients: readonly (Tensor | null)[]) => readonly (Tensor | null)[];

let linkCount = 0;

/** Wraps a value of the runner. */
export function makeTensor(runner: Runner, id: ValueId, dtype: DType, shape: Shape): Tensor {
  return { runner, id, dtype, shape, origin: null, isLeaf: false };
}

/** Applies one op that yields one value. */
export function apply(
  runner: Runner,
  name: string,
  attrs: Attrs,
  inputs: readonly Tensor[],
  dtype: DType,
  shape: Shape,
): Tensor {
  return makeTensor(runner, runner.op(name, attrs, inputs.map(idOf), 1)[0]!, dtype, shape);
}

export function idOf(tensor: Tensor): ValueId {
  return tensor.id;
}

/** The same value as a leaf that gradients are wanted for. */
export function asLeaf(tensor: Tensor): Tensor {
  return { ...tensor, origin: null, isLeaf: true };
}

/** The same value, cut off from what it was made of. */
export function detach(tensor: Tensor): Tensor {
  return { ...tensor, origin: null, isLeaf: false };
}

/** The same value under another shape and id (reshapes keep their link through `differentiable`). */
export function needsGradient(tensor: Tensor): boolean {
  return tensor.isLeaf || tensor.origin !== null;
}

/**
 * Applies an op with a hand-written gradient.
 * @param inputs tensors that gradients may be wanted for; `forward` sees them detached.
 * @param forward computes the outputs; values that `backward` uses must be handed to `save` (they then outlive the op).
 * @param backward gets the outputs' gradients; may skip (null) inputs that need none: ask `needsGradient`.
 */
export function differentiable(
  runner: Runner,
  inputs: readonly Tensor[],
  forward: (save: (...tensors: readonly Tensor[]) => void) => readonly Tensor[],
  backward: Backward,
): Tensor[] {
  const linked = inputs.some(needsGradient);
  const saved: Tensor[] = [];
  const values = runner.scope(
    () => forward((...tensors) => void saved.push(...tensors)),
    (results) => (linked ? [...results, ...saved] : results).map(idOf),
  );
  if (!linked) return [...values];
  const outputs: Tensor[] = [];
  const link: GradientLink = { order: linkCount++, inputs, outputs, backward };
  values.forEach((value, output) => outputs.push({ ...value, isLeaf: false, origin: { link, output } }));
  return outputs;
}

/**
 * Gradients of a weighted sum of `roots` with respect to `leaves`.
 * @param roots values and the gradients that arrive at them.
 * @param leaves tensors made by `asLeaf`, found again by identity.
 * @param add how two gradients of one value are summed.
 * @returns one gradient per leaf, null where nothing flows; owned by the current scope.
 */
export function gradients(
  roots: readonly { readonly value: Tensor; readonly gradient: Tensor }[],
  leaves: readonly Tensor[],
  add: (a: Tensor, b: Tensor) => Tensor,
): (Tensor | null)[] {
  const leafGradients = new Map<Tensor, Tensor>();
  const pending = new Map<GradientLink, (Tensor | null)[]>();
  const wanted = new Set(leaves);
  const deposit = (target: Tensor, gradient: Tensor): void => {
    if (target.origin) {
      const { link, output } = target.origin;
      const slots = pending.get(link) ?? link.outputs.map(() => null);
      const before = slots[output] ?? null;
      slots[output] = before ? add(before, gradient) : gradient;
      pending.set(link, slots);
    } else if (wanted.has(target)) {
      const before = leafGradients.get(target);
      leafGradients.set(target, before ? add(before, gradient) : gradient);
    }
  };
  for (const { value, gradient } of roots) deposit(value, gradient);
  while (pending.size > 0) {
    const link = latest(pending.keys());
    const slots = pending.get(link)!;
    pending.delete(link);
    runLink(link, slots).forEach((gradient, index) => {
      const input = link.inputs[index]!;
      if (gradient && needsGradient(input)) deposit(input, gradient);
    });
  }
  return leaves.map((leaf) => leafGradients.get(leaf) ?? null);
}

function runLink(link: GradientLink, slots: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
  const { runner } = link.inputs[0]!;
  return runner.scope(
    () => link.backward(slots),
    (results) => results.filter((result) => result !== null).map(idOf),
  );
}

/** Links are made in order, so the newest one has all its outputs' gradients. */
function latest(links: Iterable<GradientLink>): GradientLink {
  let newest: GradientLink | null = null;
  for (const link of links) if (!newest || link.order > newest.order) newest = link;
  return newest!;
}
