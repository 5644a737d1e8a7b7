/**
 * @file Finds out which format the rows of a file are in, and says why; or what is missing, and how to map the columns.
 *
 * A format fits where each required field has a column (by `data.columns`, by its own name, or by a well-known other name) and the
 * values look right in at least half of the sample. Own names count more than other names; among equals the order of the registry
 * decides.
 */
import type { TaskType } from '../../../src-shared/schema/run-config.ts';
import { dataFault, excerpt } from './faults.ts';
import type { DataFormat, FormatField, FormatName } from './formats/data-format.ts';
import { viewRow, type ColumnPlan } from './formats/field-values.ts';
import { DATA_FORMATS, formatByName } from './formats/registry.ts';
import type { DataFault, Row } from './types.ts';

export interface DetectOptions {
  readonly format: FormatName | 'auto';
  /** `data.columns`: our field name -> the file's column name. */
  readonly columns: Readonly<Record<string, string>>;
  /** null = not known yet (inspection without a model). */
  readonly taskType: TaskType | null;
}

export interface DetectedFormat {
  readonly format: DataFormat;
  readonly plan: ColumnPlan;
  /** Why this format, in words. */
  readonly reason: string;
  /** What else was looked at and why it was not taken, in words. */
  readonly considered: readonly string[];
}

export type DetectResult =
  { readonly ok: true; readonly detected: DetectedFormat } | { readonly ok: false; readonly fault: DataFault };

interface Candidate {
  readonly format: DataFormat;
  readonly plan: ColumnPlan;
  readonly missing: readonly string[];
  /** Share of the required fields found by their own name or by `data.columns`. */
  readonly ownShare: number;
  readonly fitShare: number;
}

/** Columns of all sample rows, in the order of their first appearance. */
export function columnsOf(sample: readonly Row[]): string[] {
  return [...new Set(sample.flatMap((row) => Object.keys(row)))];
}

/** @param sample the first rows of the file, at least one */
export function detectFormat(file: string, sample: readonly Row[], options: DetectOptions): DetectResult {
  const columns = columnsOf(sample);
  const fault = checkMapping(file, columns, options.columns);
  if (fault) return { ok: false, fault };
  if (options.format !== 'auto') return explicitFormat(file, sample, columns, formatByName(options.format), options);
  const candidates = usableFormats(options.taskType).map((format) => weigh(format, sample, columns, options));
  const complete = candidates.filter((candidate) => candidate.missing.length === 0);
  const fitting = complete.filter((candidate) => candidate.fitShare >= 0.5);
  // Right names with wrong values: take the format anyway, so that each row says what is wrong with it.
  const named = complete.filter((candidate) => candidate.ownShare === 1);
  const best = mostOwnNames(fitting) ?? named[0];
  if (best === undefined) return { ok: false, fault: unknownFormat(file, sample, columns, candidates) };
  const detected = {
    format: best.format,
    plan: best.plan,
    reason: reasonFor(best),
    considered: describeOthers(candidates, best),
  };
  return { ok: true, detected };
}

function usableFormats(taskType: TaskType | null): readonly DataFormat[] {
  if (taskType === 'SEQ_CLS') return [formatByName('classification')];
  if (taskType === 'SEQ_2_SEQ_LM') return DATA_FORMATS.filter(({ name }) => name !== 'text');
  return DATA_FORMATS;
}

function weigh(
  format: DataFormat,
  sample: readonly Row[],
  columns: readonly string[],
  options: DetectOptions,
): Candidate {
  const synonymsAllowed = allowsSynonyms(format.name, columns, options);
  const plan: Record<string, string> = {};
  const taken = new Set<string>();
  const missing: string[] = [];
  let own = 0;
  const required = format.fields.filter((field) => field.isRequired);
  for (const field of [...required, ...format.fields.filter((entry) => !entry.isRequired)]) {
    const mapped = options.columns[field.name];
    const isOwn = mapped !== undefined || columns.includes(field.name);
    const column = mapped ?? (isOwn ? field.name : synonymsAllowed ? onlySynonym(field, columns, taken) : null);
    if (column === null) {
      if (field.isRequired) missing.push(field.name);
      continue;
    }
    taken.add(column);
    if (column !== field.name) plan[field.name] = column;
    if (isOwn && field.isRequired) own++;
  }
  const fits = missing.length === 0 ? sample.filter((row) => format.fits(viewRow(row, plan))).length : 0;
  return { format, plan, missing, ownShare: own / required.length, fitShare: fits / sample.length };
}

/** A text or label under another name is a guess that only a classifier's run or a single column makes safe. */
function allowsSynonyms(name: FormatName, columns: readonly string[], options: DetectOptions): boolean {
  if (options.format !== 'auto') return true;
  if (name === 'classification') return options.taskType === 'SEQ_CLS';
  return name !== 'text' || columns.length === 1;
}

function onlySynonym(field: FormatField, columns: readonly string[], taken: ReadonlySet<string>): string | null {
  const free = columns.filter((column) => !taken.has(column) && field.synonyms.includes(column.toLowerCase()));
  return free.length === 1 ? free[0]! : null;
}

function mostOwnNames(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) {
    if (best === undefined || candidate.ownShare > best.ownShare) best = candidate;
  }
  return best;
}

function reasonFor({ format, plan }: Candidate): string {
  const names = format.fields.filter((field) => field.isRequired).map((field) => `"${plan[field.name] ?? field.name}"`);
  const mapped = Object.entries(plan).map(([field, column]) => `"${column}" is read as ${field}`);
  const reason = `${names.length > 1 ? 'the columns' : 'the column'} ${joinWords(names)} ${names.length > 1 ? 'hold' : 'holds'} ${format.description}`;
  return mapped.length > 0 ? `${reason}; ${joinWords(mapped)}` : reason;
}

function describeOthers(candidates: readonly Candidate[], best: Candidate): string[] {
  return candidates
    .filter((candidate) => candidate !== best)
    .map(({ format, missing, fitShare }) => {
      if (missing.length > 0) return `${format.name}: no column for ${joinWords(missing)}`;
      if (fitShare < 0.5)
        return `${format.name}: the columns are there, but their values are not ${format.description}`;
      return `${format.name}: would fit too, but less well by its column names`;
    });
}

function checkMapping(
  file: string,
  columns: readonly string[],
  mapping: Readonly<Record<string, string>>,
): DataFault | null {
  const known = [...new Set(DATA_FORMATS.flatMap((format) => format.fields.map((field) => field.name)))];
  for (const [field, column] of Object.entries(mapping)) {
    if (!known.includes(field)) {
      return dataFault('data/unknown-column', file, `data.columns names "${field}", which is no field of any format`, {
        field: `data.columns.${field}`,
        hint: `Known fields: ${known.join(', ')}.`,
      });
    }
    if (!columns.includes(column)) {
      return dataFault(
        'data/unknown-column',
        file,
        `there is no column "${column}"; the file has ${listColumns(columns)}`,
        {
          field: `data.columns.${field}`,
          hint: 'Correct the column name.',
        },
      );
    }
  }
  return null;
}

function explicitFormat(
  file: string,
  sample: readonly Row[],
  columns: readonly string[],
  format: DataFormat,
  options: DetectOptions,
): DetectResult {
  const candidate = weigh(format, sample, columns, options);
  if (candidate.missing.length === 0) {
    const mapped = Object.entries(candidate.plan).map(([field, column]) => `"${column}" is read as ${field}`);
    const reason = ['set by data.format', ...mapped].join('; ');
    return { ok: true, detected: { format, plan: candidate.plan, reason, considered: [] } };
  }
  const message = `format ${format.name} needs a column for ${joinWords(candidate.missing)}; the file has ${listColumns(columns)}`;
  const hint = `Rename the columns or map them, for instance data.columns = ${proposeMapping(candidate.missing, columns)}.`;
  return { ok: false, fault: dataFault('data/missing-columns', file, message, { hint }) };
}

function unknownFormat(
  file: string,
  sample: readonly Row[],
  columns: readonly string[],
  candidates: readonly Candidate[],
): DataFault {
  const needs = candidates.map(({ format }) => {
    const required = format.fields.filter((field) => field.isRequired).map((field) => field.name);
    return `${format.name} needs ${joinWords(required)}`;
  });
  const isOneTurn =
    (columns.includes('role') && columns.includes('content')) ||
    (columns.includes('from') && columns.includes('value'));
  const texts = columns.filter((column) => sample.some((row) => typeof row[column] === 'string'));
  const hint = isOneTurn
    ? 'Each row looks like one message: write one row per conversation, {"messages": [ … ]}.'
    : `Rename the columns or map them, for instance data.columns = ${proposeMapping(['prompt', 'completion'], texts.length > 1 ? texts : columns)}.`;
  const message = `no known format: the file has ${listColumns(columns)}; ${needs.join('; ')}`;
  return dataFault('data/unknown-format', file, message, { hint });
}

function proposeMapping(fields: readonly string[], columns: readonly string[]): string {
  const pairs = fields.map((field, index) => `"${field}": "${columns[index] ?? 'your column'}"`);
  return `{${pairs.join(', ')}}`;
}

function listColumns(columns: readonly string[]): string {
  const shown = columns.slice(0, 12).map((column) => `"${excerpt(column)}"`);
  const more = columns.length > 12 ? ` and ${columns.length - 12} more` : '';
  return `the ${columns.length === 1 ? 'column' : 'columns'} ${joinWords(shown)}${more}`;
}

function joinWords(words: readonly string[]): string {
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}` : (words[0] ?? 'nothing');
}
