/**
 * @file A model that loads in no time, and data for it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeTinyModel } from '../../recipe/support/tiny-model.ts';

/** @returns the model's folder, inside `parent` */
export async function makeTinyModel(parent: string): Promise<string> {
  const folder = path.join(parent, 'tiny');
  await writeTinyModel(folder);
  return folder;
}

/** Questions and answers, three of them without an answer, two the same. */
export function makeBrokenCsv(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const file = path.join(parent, 'questions.csv');
  const rows = Array.from({ length: 60 }, (_, row) => `"What follows ${row}?",${row + 1}`);
  rows.splice(10, 0, '"Nobody knows?",');
  rows.splice(20, 0, '"And this?",');
  rows.splice(30, 0, '"Or that?",');
  rows.push(rows[0] ?? '', rows[1] ?? '');
  writeFileSync(file, ['question,answer', ...rows, ''].join('\n'));
  return file;
}

/** Enough for some steps. */
export function makeRows(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const file = path.join(parent, 'rows.jsonl');
  const rows = Array.from({ length: 40 }, (_, row) => JSON.stringify({ prompt: `${row}?`, completion: `${row + 1}` }));
  writeFileSync(file, `${rows.join('\n')}\n`);
  return file;
}
