/**
 * @file What the search of the history looks through: for each run its name, model, data, method, state, notes, id and tags as one text,
 * folded, in a table of its own. A search then reads these texts and nothing else, however long configurations are.
 */
import { execute, type WritableDb } from './database.ts';

/** Columns of a run that its text holds. */
const TEXT_COLUMNS = ['name', 'model_name', 'data_summary', 'method_summary', 'state', 'notes', 'id'] as const;

/** What differs only in case, or in how a letter is put together, is the same to a search. */
export function foldText(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** True where a change of these columns changes the run's text. */
export function touchesText(columns: readonly string[]): boolean {
  return TEXT_COLUMNS.some((name) => columns.includes(name));
}

/** @param run its columns, and its tags in any order */
export function writeRunText(
  db: WritableDb,
  run: Readonly<Record<(typeof TEXT_COLUMNS)[number], string>>,
  tags: readonly string[],
): void {
  const text = foldText([...TEXT_COLUMNS.map((name) => run[name]), ...tags].join(' '));
  execute(db, 'INSERT OR REPLACE INTO run_texts (run_id, text) VALUES (@id, @text)', { id: run.id, text });
}
