/**
 * @file Norm layers by their Hugging Face path: RMS norm (`weight`) and layer norm (`weight`, `bias`).
 */
import type { FloatDType } from '../device/dtype.ts';
import * as basics from '../ops/basics.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { type Normed, rmsNorm } from '../ops/rms-norm.ts';
import type { Tensor } from '../ops/tensor.ts';
import { vectorOf } from './linear.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

export interface Norm {
  readonly kind: 'rms' | 'layer';
  readonly path: string;
  /** Length of the axis it runs over. */
  readonly size: number;
  readonly eps: number;
  /** RMS norms of Gemma multiply by 1 + weight. */
  readonly addOne: boolean;
}

export function makeRmsNorm(path: string, size: number, eps: number, addOne = false): Norm {
  return { kind: 'rms', path, size, eps, addOne };
}

export function makeLayerNorm(path: string, size: number, eps: number): Norm {
  return { kind: 'layer', path, size, eps, addOne: false };
}

export function normWeights(norms: readonly (Norm | null)[]): WeightSpec[] {
  return norms.flatMap((norm) => {
    if (!norm) return [];
    const parts = norm.kind === 'layer' ? ['weight', 'bias'] : ['weight'];
    return parts.map((part): WeightSpec => ({ name: `${norm.path}.${part}`, shape: [norm.size], role: 'vector' }));
  });
}

/** @param x [..., size], any float dtype @returns the same shape, in the compute dtype where no other is asked for */
export function applyNorm(ctx: StepContext, x: Tensor, norm: Norm, dtype: FloatDType = ctx.compute): Tensor {
  return normAndInput(ctx, x, norm, dtype).out;
}

/** What a branch reads of the stream through its norm, and the stream to add to. @param norm null = none */
export function readStream(ctx: StepContext, stream: Tensor, norm: Norm | null): { input: Tensor; stream: Tensor } {
  if (norm === null) return { input: basics.cast(stream, ctx.compute), stream };
  const { out, x } = normAndInput(ctx, stream, norm, ctx.compute);
  return { input: out, stream: x };
}

function normAndInput(ctx: StepContext, x: Tensor, { kind, path, eps, addOne }: Norm, dtype: FloatDType): Normed {
  const weight = vectorOf(ctx, `${path}.weight`);
  if (kind === 'rms') return rmsNorm(x, weight, { eps, dtype, addOne });
  return layerNorm(x, weight, vectorOf(ctx, `${path}.bias`), { eps, dtype });
}
