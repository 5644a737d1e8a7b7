/**
 * @file Gradient checkpointing: keep a block's inputs, forget its inside, run it again in the backward pass.
 * Source: Chen et al. 2016.
 */
import { sumGradients } from './basics.ts';
import { asLeaf, detach, differentiable, gradients, needsGradient, type Tensor } from './tensor.ts';

/**
 * @param block pure function of its arguments; `parameters` are what it closes over that needs gradients.
 * @param inputs activations; `block` gets them in this order.
 */
export function checkpoint(
  block: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  parameters: readonly Tensor[],
): Tensor {
  const { runner } = inputs[0]!;
  const [out] = differentiable(
    runner,
    [...inputs, ...parameters],
    (save) => {
      save(...inputs);
      return [detach(block(...inputs.map(detach)))];
    },
    ([dy]) => {
      // The barrier ties the second run to the arrival of dy: otherwise a graph would merge it with the first.
      const again = inputs.map((input) => ({ ...input, id: runner.barrier(input.id, input.dtype, dy!.id) }));
      const leaves = again.map((input, index) => (needsGradient(inputs[index]!) ? asLeaf(input) : detach(input)));
      const value = block(...leaves);
      return gradients([{ value, gradient: dy! }], [...leaves, ...parameters], sumGradients);
    },
  );
  return out!;
}
