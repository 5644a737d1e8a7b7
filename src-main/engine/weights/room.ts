/**
 * @file Room beside a frozen matrix, where the low-rank updates of its linears lie while they are computed with (ops/folded-linear.ts).
 *
 * The columns are part of the matrix's memory. `InplaceUpdate` writes into the very memory that it is given, so a step changes these few
 * columns and copies nothing; where a kernel would copy, the result is the same.
 */
import type { Device } from '../device/device.ts';
import { type DType, DTYPE_CODES } from '../device/dtype.ts';
import { toBindingAttrs } from '../device/eager-runner.ts';
import type { ValueId } from '../device/runner.ts';
import type { UpdateSpec } from '../nn/weight-spec.ts';
import { roomForRanks } from '../ops/folded-linear.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';

/**
 * Columns for the updates of linears that share a product. Updates with dropout have another input than the base, those of DoRA need the
 * base's result by itself: they get none.
 */
export function roomFor(updates: readonly (UpdateSpec | null)[]): number {
  const given = updates.filter((update) => update !== null);
  if (given.some(({ dropout, dora }) => dropout > 0 || dora)) return 0;
  return roomForRanks(given.map(({ rank }) => rank));
}

/** Lays a matrix out anew with `room` columns of zeros at its right. Takes `id` over. @returns [rows, columns + room] */
export function addRoom(device: Device, id: ValueId, room: number, dtype: DType): ValueId {
  const margins = device.createTensor([2, 2], DTYPE_CODES.int32, Int32Array.of(0, 0, 0, room));
  const attrs = toBindingAttrs({ T: { type: dtype }, Tpaddings: { type: 'int32' } });
  try {
    return device.executeOp('Pad', attrs, [id, margins], 1)[0]!.id;
  } finally {
    for (const done of [id, margins]) device.deleteTensor(done);
  }
}

/**
 * Writes `beside` [rows, room] into the last columns.
 * @param matrix [rows, columns + room]; changed
 * @returns the same memory, after that
 */
export function fillRoom(matrix: Tensor, beside: Tensor): Tensor {
  const [rows, width] = matrix.shape as [number, number];
  const room = beside.shape[1] as number;
  const columns = width - room;
  // Seen as rows so short that columns, and room, are a whole number of them.
  const piece = greatestDivisor(columns, room);
  const perRow = room / piece;
  const places = Int32Array.from(
    { length: rows * perRow },
    (_, index) => (Math.floor(index / perRow) * width + columns) / piece + (index % perRow),
  );
  const pieces = raw.reshape(matrix, [(rows * width) / piece, piece]);
  const indices = raw.constant(matrix.runner, places, 'int32', [places.length]);
  const written = raw.writeRows(pieces, indices, raw.reshape(beside, [rows * perRow, piece]));
  return raw.reshape(written, [rows, width]);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
