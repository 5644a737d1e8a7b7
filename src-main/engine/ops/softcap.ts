/**
 * @file cap * tanh(x / cap): keeps values between -cap and cap. Source: Gemma 2 (Google 2024).
 */
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

export function softcap(x: Tensor, cap: number): Tensor {
  let bent: Tensor;
  const [out] = differentiable(
    x.runner,
    [x],
    (save) => {
      bent = raw.tanh(raw.multiply(x, 1 / cap));
      save(bent);
      return [raw.multiply(bent, cap)];
    },
    ([dy]) => [raw.multiply(dy!, raw.subtract(raw.scalar(x.runner, 1, x.dtype), raw.square(bent)))],
  );
  return out!;
}
