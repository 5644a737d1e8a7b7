/**
 * @file T5's relative positions: a learned number for each head and distance that is added to the scores. Near distances have a number
 * of their own, far ones share one with others in buckets that widen logarithmically.
 *
 * Which bucket a distance falls into is worked out on the host, as a table that the step gets like those of rotary positions. In a row
 * of several examples the places in the row stand for the positions: inside an example they differ by the same distances, and nothing
 * sees beyond its example.
 * Source: Raffel et al. 2020; Hugging Face's modeling_t5 for the rounding.
 */
import { sameDim } from '../device/dim.ts';
import * as basics from '../ops/basics.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { TokenBatch } from './batch.ts';
import { applyEmbedding } from './embedding.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

export interface RelativeBias {
  /** Name of the learned table, [buckets, heads]. */
  readonly weight: string;
  /** Name of the table of buckets in `TokenBatch.tables`. */
  readonly table: string;
  readonly buckets: number;
  /** Distances from here on share the last bucket. */
  readonly maxDistance: number;
  readonly heads: number;
  /** Half of the buckets for what comes later (encoders); else there is nothing later. */
  readonly bothWays: boolean;
}

export function relativeBiasWeights({ weight, buckets, heads }: RelativeBias): WeightSpec[] {
  return [{ name: weight, shape: [buckets, heads], role: 'embedding' }];
}

/** Bucket of each distance from 0 to positions - 1, looking back. */
export function bucketsOf(
  { buckets, maxDistance, bothWays }: RelativeBias,
  positions: number,
): Float32Array<ArrayBuffer> {
  const count = bothWays ? Math.floor(buckets / 2) : buckets;
  const exact = Math.floor(count / 2);
  // f32 as in PyTorch: at borders such as 16, 32 and 64 the rounding decides.
  const width = Math.fround(Math.log(maxDistance / exact));
  return Float32Array.from({ length: positions }, (_, distance) => {
    if (distance < exact) return distance;
    const grown = Math.fround(Math.fround(Math.log(Math.fround(distance / exact))) / width);
    return Math.min(exact + Math.trunc(Math.fround(grown * (count - exact))), count - 1);
  });
}

/** @returns added to the scores, [1 or batch, heads, seq, keys], compute dtype */
export function applyRelativeBias(ctx: StepContext, module: RelativeBias, tokens: TokenBatch): Tensor {
  const ids = bucketIds(ctx, module, tokens);
  const rows = basics.cast(applyEmbedding(ctx, module.weight, ids), ctx.compute); // [1 or batch, seq, keys, heads]
  return basics.transpose(rows, [0, 3, 1, 2]);
}

/** int32 [1 or batch, seq, keys] */
function bucketIds(ctx: StepContext, { table, buckets, bothWays }: RelativeBias, tokens: TokenBatch): Tensor {
  const { runner } = ctx;
  const { batch, seq, keys } = tokens;
  const known = tokens.tables[table]!;
  const isWhole = sameDim(seq, keys);
  const rows = isWhole ? 1 : batch;
  return runner.scope(
    () => {
      const queryPlaces = raw.reshape(isWhole ? raw.range(runner, seq) : tokens.positions, [rows, seq, 1]);
      const keyPlaces = raw.reshape(isWhole ? raw.range(runner, keys) : tokens.keyPositions, [rows, 1, keys]);
      const back = raw.subtract(queryPlaces, keyPlaces);
      const ahead = bothWays ? raw.subtract(keyPlaces, queryPlaces) : raw.scalar(runner, 0, 'int32');
      // The table ends with the longest example; a longer distance lies between two examples, where nothing sees the other.
      const last = raw.subtract(raw.dimTensor(runner, known.shape[0]!), 1);
      const distance = raw.minimum(raw.maximum(back, ahead), last);
      const bucket = raw.cast(raw.gatherRows(raw.reshape(known, [-1]), distance), 'int32');
      if (!bothWays) return bucket;
      const isAhead = raw.cast(raw.compare('Greater', ahead, 0), 'int32');
      return raw.add(bucket, raw.multiply(isAhead, Math.floor(buckets / 2)));
    },
    (ids) => [ids.id],
  );
}
