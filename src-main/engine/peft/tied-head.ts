/**
 * @file Models whose head has no tensor of its own, because it shares the token embedding's table.
 *
 * Here a trained table stays the head. PEFT parts the two unless `ensure_weight_tying` says otherwise, and then wants the table under both
 * names in the file.
 */
import { TIED_HEAD, TIED_HEAD_WEIGHT } from '../formats/adapter-names.ts';
import type { AdapterTensor, AdapterTensors } from '../formats/peft-adapter.ts';
import type { AdaptableModel } from './adaptable-model.ts';

/** Name of the table that is the head too; null where the head has its own. */
export function findTiedTable({ facts, weights }: Pick<AdaptableModel, 'facts' | 'weights'>): string | null {
  if (!facts.tiedEmbeddings) return null;
  return weights.find(({ role }) => role === 'embedding')?.name ?? null;
}

/** The same, where that table is trained. @param own names of the model's own tensors that are trained */
export function findTrainedTable(model: AdaptableModel, own: ReadonlySet<string>): string | null {
  const table = findTiedTable(model);
  return table !== null && own.has(table) ? table : null;
}

/** Whether a setting means a head that has no tensor. */
export function isTiedHead({ facts }: Pick<AdaptableModel, 'facts'>, name: string): boolean {
  return facts.tiedEmbeddings && (name === TIED_HEAD || TIED_HEAD.endsWith(name));
}

/** What to do instead of naming such a head. */
export function hintTiedHead({ weights }: Pick<AdaptableModel, 'weights'>): string {
  return weights.some(({ isNeverRun }) => isNeverRun)
    ? 'leave it out; peft_type NONE trains the table itself'
    : 'name the embedding in modules_to_save, embed_tokens in most models: both are then trained as one';
}

/** As PEFT saves it: the table a second time under the head's name. */
export function addTiedHead(tensors: AdapterTensors, table: string | null): Map<string, AdapterTensor> {
  const all = new Map(tensors);
  const found = table === null ? undefined : tensors.get(table);
  if (found) all.set(TIED_HEAD_WEIGHT, found);
  return all;
}

/** The table under its own name only. */
export function dropTiedHead(tensors: AdapterTensors, table: string | null): Map<string, AdapterTensor> {
  return new Map([...tensors].filter(([name]) => table === null || name !== TIED_HEAD_WEIGHT));
}
