/**
 * @file Class names and their ids, or numbers to predict: the targets of a classifier.
 */
import type { ProblemType } from '../../../src-shared/schema/run-config.ts';
import type { ClassificationExample } from './example.ts';
import { RowFault } from './faults.ts';

export type { ProblemType };

/** What a classifier predicts. */
export interface ClassSet {
  readonly problemType: ProblemType;
  /** A name for each score; those of a regression say nothing. */
  readonly names: readonly string[];
}

export interface ClassLabels {
  readonly problemType: ProblemType;
  /** Class names in the order of their ids; empty for regression. */
  readonly names: readonly string[];
  /** @returns a class id, 0 or 1 per class (multi label), or a number (regression). @throws RowFault data/unknown-label */
  targetOf(label: ClassificationExample['label']): number | readonly number[];
}

/** `LABEL_0`, `LABEL_1`, …: transformers' names where nobody gave others. */
export function isGenericNames(names: readonly string[]): boolean {
  return names.every((name, id) => name === `LABEL_${id}`);
}

/** Labels of which at least this share are numbers were meant as numbers: the others are told as faults. */
const MOSTLY = 0.9;

/**
 * What the labels of the rows suggest: lists make it multi label; numbers of which some are no whole ones make it a regression, whole
 * numbers alone do not.
 */
export function guessProblemType(labels: Iterable<ClassificationExample['label']>): ProblemType {
  let [rows, numbers, fractions] = [0, 0, 0];
  for (const label of labels) {
    if (Array.isArray(label)) return 'multi_label_classification';
    const value = asFigure(label as string | number);
    rows += 1;
    if (!Number.isFinite(value)) continue;
    numbers += 1;
    if (!Number.isInteger(value)) fractions += 1;
  }
  return fractions > 0 && numbers >= MOSTLY * rows ? 'regression' : 'single_label_classification';
}

/** NaN for what is no number; a decimal comma makes one here, so that its rows are told of. */
function asFigure(label: string | number): number {
  if (typeof label === 'number') return label;
  const text = label.trim();
  return text === '' ? Number.NaN : Number(DECIMAL_COMMA.test(text) ? text.replace(',', '.') : text);
}

const DECIMAL_COMMA = /^[+-]?\d+,\d+$/;

/** The name as people compare names: whatever its capitals, blanks around it and way of writing accents. */
export const foldName = (name: string): string => name.normalize('NFKC').trim().toLowerCase();

/** Every class that occurs, sorted: numbers by value, else by code point. */
export function collectLabelNames(labels: Iterable<ClassificationExample['label']>): string[] {
  const names = new Set<string>();
  for (const label of labels) for (const name of asList(label)) names.add(String(name));
  const isNumber = (name: string): boolean => name !== '' && Number.isFinite(Number(name));
  const allNumbers = [...names].every(isNumber);
  return [...names].sort((a, b) => (allNumbers ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0));
}

export interface ClassLabelsOptions {
  /** The names come from the training rows: what is none of them may still be right. */
  readonly areFound?: boolean;
}

/** @param names class names in the order of their ids; ignored for regression */
export function createClassLabels(
  problemType: ProblemType,
  names: readonly string[],
  { areFound = false }: ClassLabelsOptions = {},
): ClassLabels {
  const find = makeNameFinder(names);
  const idOf = (label: string | number): number => {
    const id = find(label);
    if (id !== undefined) return id;
    const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '');
    const whose = areFound ? `no class of the training rows (${shown})` : `none of ${shown}`;
    const hint = areFound
      ? 'Give training rows of this class too, correct the label, or leave the row out.'
      : 'Correct the label, or add it to labels.';
    throw new RowFault('data/unknown-label', `the label "${label}" is ${whose}`, { field: 'label', hint });
  };
  const targetOf: ClassLabels['targetOf'] = (label) => {
    if (problemType === 'regression') return asNumber(label);
    if (problemType === 'multi_label_classification') {
      refuseMarks(label);
      const present = new Set(asList(label).map(idOf));
      return names.map((_, id) => (present.has(id) ? 1 : 0));
    }
    const list = asList(label);
    if (list.length === 1) return idOf(list[0]!);
    throw new RowFault('data/wrong-value', `one label is expected, found ${list.length}`, {
      field: 'label',
      hint: 'Give one label a row, or set problem_type to multi_label_classification.',
    });
  };
  return { problemType, names: problemType === 'regression' ? [] : names, targetOf };
}

/** From a label to its id: by name, by a name in other capitals where that is one class alone, or by the id itself. */
function makeNameFinder(names: readonly string[]): (label: string | number) => number | undefined {
  const ids = new Map(names.map((name, id) => [name, id]));
  const folded = new Map(names.map((name, id) => [foldName(name), id]));
  const mayFold = folded.size === names.length;
  // Ids stand for names, unless a name is a number itself.
  const mayBeId = names.every((name) => name.trim() === '' || Number.isNaN(Number(name)));
  return (label) => {
    const name = String(label);
    const known = ids.get(name) ?? (mayFold ? folded.get(foldName(name)) : undefined);
    if (known !== undefined || !mayBeId || name.trim() === '') return known;
    return Number(name) in names ? Number(name) : undefined;
  };
}

/** A list with a 0 or 1 for each class, as other programs write it: names are needed here. */
function refuseMarks(label: ClassificationExample['label']): void {
  if (!Array.isArray(label)) return;
  const areMarks = label.every((entry) => entry === 0 || entry === 1) && new Set(label).size < label.length;
  if (!areMarks) return;
  throw new RowFault(
    'data/wrong-value',
    `the list [${label.slice(0, 8).join(', ')}${label.length > 8 ? ', …' : ''}] has a mark for each class; their names are expected`,
    {
      field: 'label',
      hint: 'List the names of the classes that hold, like ["sport", "politics"].',
    },
  );
}

function asNumber(label: ClassificationExample['label']): number {
  const value = Array.isArray(label) ? Number.NaN : Number(label);
  if (Number.isFinite(value)) return value;
  const hint = DECIMAL_COMMA.test(String(label))
    ? 'Write decimals with a point: 3.5.'
    : 'Give numbers, or set problem_type to single_label_classification.';
  throw new RowFault('data/wrong-value', `a number is expected, found "${String(label)}"`, { field: 'label', hint });
}

function asList(label: ClassificationExample['label']): readonly (string | number)[] {
  return Array.isArray(label) ? (label as readonly (string | number)[]) : [label as string | number];
}
