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

/**
 * What the labels of the rows suggest: lists make it multi label; numbers of which some are no whole ones make it a regression, whole
 * numbers alone do not.
 */
export function guessProblemType(labels: Iterable<ClassificationExample['label']>): ProblemType {
  let [isNumeric, isWhole] = [true, true];
  for (const label of labels) {
    if (Array.isArray(label)) return 'multi_label_classification';
    const value = typeof label === 'string' && label.trim() === '' ? Number.NaN : Number(label);
    isNumeric &&= Number.isFinite(value);
    isWhole &&= Number.isInteger(value);
  }
  return isNumeric && !isWhole ? 'regression' : 'single_label_classification';
}

/** Every class that occurs, sorted: numbers by value, else by code point. */
export function collectLabelNames(labels: Iterable<ClassificationExample['label']>): string[] {
  const names = new Set<string>();
  for (const label of labels) for (const name of asList(label)) names.add(String(name));
  const isNumber = (name: string): boolean => name !== '' && Number.isFinite(Number(name));
  const allNumbers = [...names].every(isNumber);
  return [...names].sort((a, b) => (allNumbers ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0));
}

/** @param names class names in the order of their ids; ignored for regression */
export function createClassLabels(problemType: ProblemType, names: readonly string[]): ClassLabels {
  const ids = new Map(names.map((name, id) => [name, id]));
  const isGeneric = isGenericNames(names);
  const hasWords = names.some((name) => !Number.isFinite(Number(name)));
  const idOf = (label: string | number): number => {
    // Ids stand for names, unless the names are numbers themselves.
    const given = isGeneric || (hasWords && typeof label === 'number') ? Number(label) : Number.NaN;
    const id = ids.get(String(label)) ?? (given in names ? given : undefined);
    if (id !== undefined) return id;
    throw new RowFault('data/unknown-label', `the label "${label}" is none of ${names.slice(0, 20).join(', ')}`, {
      field: 'label',
      hint: 'Correct the label, or add it to labels.',
    });
  };
  const targetOf: ClassLabels['targetOf'] = (label) => {
    if (problemType === 'regression') return asNumber(label);
    if (problemType === 'multi_label_classification') {
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

function asNumber(label: ClassificationExample['label']): number {
  const value = Array.isArray(label) ? Number.NaN : Number(label);
  if (Number.isFinite(value)) return value;
  throw new RowFault('data/wrong-value', `a number is expected, found "${String(label)}"`, {
    field: 'label',
    hint: 'Give numbers, or set problem_type to single_label_classification.',
  });
}

function asList(label: ClassificationExample['label']): readonly (string | number)[] {
  return Array.isArray(label) ? (label as readonly (string | number)[]) : [label as string | number];
}
