/**
 * @file Arithmetic on counted ops: sums, and the parabola through counts at three lengths.
 */
import type { Counts, OpCount } from './counting-device.ts';

const ZERO: OpCount = { launches: 0, bytes: 0, flops: 0 };
const FIELDS = ['launches', 'bytes', 'flops'] as const;

export function addCounts(a: Counts, b: Counts): Counts {
  return combine([a, b], ([first, second]) => first! + second!);
}

export function scaleCounts(counts: Counts, factor: number): Counts {
  return combine([counts], ([value]) => value! * factor);
}

/** Every op's counts as a polynomial of degree two of the length, which they are: products of the length, of its square, and of neither. */
export function extrapolate(counted: readonly (readonly [length: number, counts: Counts])[], length: number): Counts {
  const weights = counted.map(([own]) =>
    counted.reduce((product, [other]) => (other === own ? product : (product * (length - other)) / (own - other)), 1),
  );
  return combine(
    counted.map(([, counts]) => counts),
    (values) => values.reduce((sum, value, index) => sum + value * weights[index]!, 0),
  );
}

function combine(all: readonly Counts[], each: (values: readonly number[]) => number): Counts {
  const names = new Set(all.flatMap((counts) => [...counts.keys()]));
  return new Map(
    [...names].map((name) => {
      const own = all.map((counts) => counts.get(name) ?? ZERO);
      const entries = FIELDS.map((field) => [field, each(own.map((count) => count[field]))] as const);
      return [name, Object.fromEntries(entries) as unknown as OpCount];
    }),
  );
}

/** All ops, those with the most floating-point work and then those with the most bytes first. */
export function listOps(counts: Counts): (OpCount & { readonly op: string })[] {
  const rows = [...counts].map(([op, count]) => ({ op, ...count }));
  return rows.sort((a, b) => b.flops - a.flops || b.bytes - a.bytes);
}

export interface BytesByLength {
  /** Whatever the length: weights expanded, the optimizer. */
  readonly fixed: number;
  /** In proportion to the length: activations. */
  readonly linear: number;
  /** To its square: attention. */
  readonly square: number;
}

/** Bytes of a step by how they grow with its length. */
export function splitByLength(countsAt: (length: number) => Counts, length: number): BytesByLength {
  const total = (at: number): number => [...countsAt(at).values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const [none, once, twice] = [total(0), total(length), total(2 * length)];
  const square = (twice - 2 * once + none) / 2;
  return { fixed: none, linear: once - none - square, square };
}
