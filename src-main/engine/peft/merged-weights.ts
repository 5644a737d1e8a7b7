/**
 * @file What an adapter makes of each of the model's tensors, computed row by row on the host.
 */
import { adapterName } from '../formats/adapter-names.ts';
import { rankOf, scaleOf } from '../formats/peft-config.ts';
import type { ReadBase } from './base-weights.ts';
import { addUpdateRow, columnNorms, lengthOf, transposeUpdate, type HostUpdate } from './low-rank-product.ts';
import type { OpenedAdapter, OpenedWeights } from './open-adapter.ts';
import type { AdaptableModel } from './adaptable-model.ts';
import { findTiedTable } from './tied-head.ts';
import { partOf } from './trained-tensors.ts';

/** A tensor that takes new values, or a matrix that takes an update. */
export type MergedWeight =
  | { readonly kind: 'replaced'; readonly values: Float32Array }
  | {
      readonly kind: 'updated';
      readonly update: HostUpdate;
      readonly columns: number;
      /** DoRA's: the length that each row gets. */
      readonly magnitude: Float32Array | null;
      /** Factor on each column after the update: DoRA's on a table. */
      readonly columnFactors?: Float32Array;
    };

/** Our tensor name -> what becomes of it. @param read the model's own weights */
export async function makeMergedWeights(
  opened: OpenedAdapter | OpenedWeights,
  read: ReadBase,
): Promise<Map<string, MergedWeight>> {
  const merged = new Map<string, MergedWeight>();
  if (opened.kind === 'weights') {
    for (const [name, { data }] of opened.tensors) merged.set(name, { kind: 'replaced', values: data });
    return merged;
  }
  const { adapter, targets, own } = opened;
  for (const target of targets) {
    const { path, inFeatures, outFeatures, isTable } = target;
    const find = (part: Parameters<typeof adapterName>[1]) =>
      adapter.tensors.get(adapterName(path, part))?.data ?? null;
    const update = {
      rank: rankOf(adapter.config, path),
      scale: scaleOf(adapter.config, path),
      a: find(partOf(target, 'A'))!,
      b: find(partOf(target, 'B'))!,
      s: find('scaling_vector'),
    };
    const name = `${path}.weight`;
    const magnitude = find('lora_magnitude_vector');
    if (isTable) merged.set(name, await updateTable(name, transposeUpdate(update), outFeatures, magnitude, read));
    else merged.set(name, { kind: 'updated', update, columns: inFeatures, magnitude });
  }
  for (const name of own) merged.set(name, { kind: 'replaced', values: adapter.tensors.get(name)!.data });
  return merged;
}

/** The magnitudes of a table scale its columns, whose lengths are known once all rows were seen. */
async function updateTable(
  name: string,
  update: HostUpdate,
  columns: number,
  magnitude: Float32Array | null,
  read: ReadBase,
): Promise<MergedWeight> {
  const plain = { kind: 'updated', update, columns, magnitude: null } as const;
  if (magnitude === null) return plain;
  const norms = columnNorms(await read(name), columns, update);
  return { ...plain, columnFactors: magnitude.map((length, j) => length / norms[j]!) };
}

/** Name of the table that a head shares no more: an update of the embedding leaves the head as it was (as in PEFT). null = none */
export function findPartedTable(model: AdaptableModel, merged: ReadonlyMap<string, MergedWeight>): string | null {
  const table = findTiedTable(model);
  return table !== null && merged.get(table)?.kind === 'updated' ? table : null;
}

/**
 * Merges a part of a tensor in place.
 * @param values as they are in the model; of a matrix whole rows
 * @param first place of the first of them in the whole tensor
 */
export function mergePart(change: MergedWeight, values: Float32Array, first: number): void {
  if (change.kind === 'replaced') {
    values.set(change.values.subarray(first, first + values.length));
    return;
  }
  const { update, columns, magnitude, columnFactors } = change;
  const row = new Float64Array(columns);
  for (let at = 0, index = first / columns; at < values.length; at += columns, index += 1) {
    row.set(values.subarray(at, at + columns));
    addUpdateRow(update, index, row);
    if (magnitude) {
      const factor = magnitude[index]! / lengthOf(row);
      for (let j = 0; j < columns; j += 1) row[j]! *= factor;
    }
    if (columnFactors) for (let j = 0; j < columns; j += 1) row[j]! *= columnFactors[j]!;
    values.set(row, at);
  }
}
