/**
 * @file Frozen linears whose low-rank updates lie beside their weights, so that base and update are one product.
 *
 * y = x W^T + z B'^T with z = x A^T is [x | z] [W | B']^T, and dy [W | B'] gives the gradients of x and z at once. What an update costs
 * otherwise is not its arithmetic: its results are as wide as y, written and added to it. Several linears with one input have their B'
 * one beside the other, each in its own rows:
 *
 *   W1 | B1' 0   0
 *   W2 | 0   B2' 0        the last columns fill the room up
 */
import { fusedIntoReader } from './fused.ts';
import { gradientOfB, type LowRankUpdate, rowsOf, scaledB, throughWeights } from './linear.ts';
import { matmul } from './matmul.ts';
import * as raw from './primitives.ts';
import { differentiable, needsGradient, type Tensor } from './tensor.ts';

/** Columns of room are a multiple of this: rows of bf16 then begin where a line of memory does. */
const ROOM_UNIT = 32;

/** Columns for updates of these ranks. */
export function roomForRanks(ranks: readonly number[]): number {
  return Math.ceil(ranks.reduce((sum, rank) => sum + rank, 0) / ROOM_UNIT) * ROOM_UNIT;
}

export interface FoldedLinearOptions {
  /** [tokens, in] */
  readonly x: Tensor;
  /** Columns beside the weight. */
  readonly room: number;
  /** Outputs of each linear. */
  readonly sizes: readonly number[];
  /** One per linear; null = it has none. */
  readonly updates: readonly (LowRankUpdate | null)[];
  /**
   * Gives the stacked weights with what `beside` makes ([sum of sizes, room]) beside them: [sum of sizes, in + room]. Called in forward and
   * again in backward, as in `frozenLinear`.
   */
  readonly weight: (beside: () => Tensor, after: Tensor) => Tensor;
}

/** @returns x W^T + x A^T B'^T per linear, [tokens, size] */
export function foldedLinear({ x, room, sizes, updates, weight }: FoldedLinearOptions): Tensor[] {
  const width = x.shape[1] as number;
  const given = updates.filter((update) => update !== null);
  const ranks = given.map(({ a }) => a.value.shape[0] as number);
  const used = ranks.reduce((sum, rank) => sum + rank, 0);
  const bs = updates.map((update) => update && scaledB(update));
  const beside = (): Tensor => placeBlocks(x, sizes, bs, room);
  const zeros = (columns: number): Tensor => raw.fill(x.runner, [x.shape[0]!, columns], 0, x.dtype);
  const filler = used < room ? [zeros(room - used)] : [];
  const stackedA = raw.concat(
    given.map(({ a }) => a.value),
    0,
  ); // [used, in]
  const leaves = given.flatMap(({ a, b, s }) => (s ? [a.leaf, b.leaf, s.leaf] : [a.leaf, b.leaf]));
  let narrow: Tensor;
  return differentiable(
    x.runner,
    [x, ...leaves],
    (save) => {
      narrow = matmul(x, stackedA, { transposeB: true }); // [tokens, used]
      save(x, stackedA, narrow, ...bs.filter((b) => b !== null));
      const wide = raw.concat([x, narrow, ...filler], 1); // [tokens, in + room]
      return rowsOf(weight(beside, x), sizes).map((rows) => matmul(wide, rows, { transposeB: true }));
    },
    (dys) => {
      const first = dys.find((dy) => dy !== null)!;
      let [dx, back]: [Tensor | null, Tensor | null] = [null, null]; // back: the gradient of narrow
      if (needsGradient(x)) {
        const both = throughWeights(dys, weight(beside, first), sizes, x); // each [tokens, in + room]
        back = both.map((part) => raw.sliceAxis(part, 1, width, used)).reduce((a, b) => raw.add(a, b));
        dx = fusedIntoReader([matmul(back, stackedA), ...both], x.dtype, (through, ...parts) => {
          const direct = parts.map((part) => raw.split(part, [width, room], 1)[0]!);
          return raw.add(
            direct.reduce((a, b) => raw.add(a, b)),
            through,
          );
        });
      } else {
        const through = bs.flatMap((b, index) => {
          const dy = dys[index];
          return b ? [dy ? matmul(dy, b) : zeros(b.shape[1] as number)] : [];
        });
        back = raw.concat(through, 1);
      }
      const das = raw.split(matmul(back, x, { transposeA: true }), ranks, 0);
      const narrows = raw.split(narrow, ranks, 1);
      let place = 0;
      const leafGradients = updates.flatMap((update, index) => {
        if (!update) return [];
        const at = place++;
        const dy = dys[index];
        const grad = dy ? gradientOfB(update, dy, narrows[at]!) : null;
        return update.s ? [das[at]!, grad?.b ?? null, grad?.s ?? null] : [das[at]!, grad?.b ?? null];
      });
      return [dx, ...leafGradients];
    },
  );
}

/** Each B' in the rows of its linear and in columns of its own. @returns [sum of sizes, room] */
function placeBlocks(x: Tensor, sizes: readonly number[], bs: readonly (Tensor | null)[], room: number): Tensor {
  const zeros = (rows: number, columns: number): Tensor[] =>
    columns > 0 ? [raw.fill(x.runner, [rows, columns], 0, x.dtype)] : [];
  let before = 0;
  const rows = bs.map((b, index) => {
    const size = sizes[index]!;
    const rank = (b?.shape[1] ?? 0) as number;
    const left = before;
    before += rank;
    return raw.concat([...zeros(size, left), ...(b ? [b] : []), ...zeros(size, room - left - rank)], 1);
  });
  return raw.concat(rows, 0);
}
