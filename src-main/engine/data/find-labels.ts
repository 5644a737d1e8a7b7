/**
 * @file Which classes a run has: those that were named, the model's own where the rows have no others, or those of the rows. What looks
 * odd about them is noticed: nobody would see it in the figures.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { fewNames, makeNotice } from '../../../src-shared/domain/notices.ts';
import {
  type ClassLabels,
  collectLabelNames,
  createClassLabels,
  foldName,
  guessProblemType,
  isGenericNames,
  type ProblemType,
} from './class-labels.ts';
import type { ClassificationExample } from './example.ts';
import type { NoticeList } from './faults.ts';

export type Label = ClassificationExample['label'];

export interface FindLabelsOptions {
  /** Class names in the order of their ids; null = collected from the rows and sorted. */
  readonly labels: readonly string[] | null;
  /** Names of the model's own classes, taken where the rows have no others. */
  readonly preferredLabels: readonly string[] | null;
  /** null = by the labels. */
  readonly problemType: ProblemType | null;
  /** What is only measured may have one class alone. */
  readonly purpose: 'train' | 'measure';
}

/** More whole numbers than this are amounts rather than classes. */
const MANY_NUMBERS = 20;

/** @param rows labels of the training rows @throws data/one-class */
export function findLabels(rows: readonly Label[], options: FindLabelsOptions, notices: NoticeList): ClassLabels {
  const { labels: given, preferredLabels: own, purpose } = options;
  const problemType = options.problemType ?? guessProblemType(rows);
  if (problemType === 'regression') return createClassLabels(problemType, []);
  const found = collectLabelNames(rows);
  const kept = given === null && own !== null ? keepOwnNames(found, own) : null;
  const names = given ?? kept?.names ?? found;
  if (purpose === 'train') {
    if (problemType === 'single_label_classification') requireClasses(found, names, rows.length);
    if (given === null && own !== null) noticeOwnClasses(found, own, kept, notices);
    noticeOddClasses(countLabels(rows), names, notices);
  }
  return createClassLabels(problemType, names, { areFound: names === found });
}

interface KeptNames {
  readonly names: readonly string[];
  /** The rows give the ids of names that are words. */
  readonly byId: boolean;
}

/** The model's own names, where they are names and the rows have no others, be it in capitals or as ids. */
function keepOwnNames(found: readonly string[], own: readonly string[]): KeptNames | null {
  const ids = own.map((_, id) => String(id));
  if (isGenericNames(own)) return found.every((name) => ids.includes(name)) ? { names: ids, byId: false } : null;
  const folded = new Set(own.map(foldName));
  const mayFold = folded.size === own.length && new Set(found.map(foldName)).size === found.length;
  const isOwn = (name: string): boolean => own.includes(name) || (mayFold && folded.has(foldName(name)));
  if (found.every(isOwn)) return { names: own, byId: false };
  const areIds = found.length === own.length && found.every((name) => ids.includes(name));
  return areIds && own.every((name) => Number.isNaN(Number(name))) ? { names: own, byId: true } : null;
}

/** With one class there is nothing to tell apart. */
function requireClasses(found: readonly string[], names: readonly string[], rows: number): void {
  if (rows === 0 || (found.length > 1 && names.length > 1)) return;
  const message =
    found.length > 1
      ? `labels names one class, "${names[0]}"`
      : `all ${rows} training rows have the label "${found[0] ?? ''}"`;
  throw new AppError('data/one-class', `There is nothing to tell apart: ${message}`, {
    faults: [{ field: found.length > 1 ? 'labels' : 'data.train', message }],
    hint: 'Give rows of at least two classes; for numbers set problem_type to regression.',
  });
}

/** Says how the classes of a model that was a classifier before and those of the rows go together, where that could surprise. */
function noticeOwnClasses(
  found: readonly string[],
  own: readonly string[],
  kept: KeptNames | null,
  notices: NoticeList,
): void {
  if (isGenericNames(own)) return;
  if (kept?.byId) {
    const pairs = own.map((name, id) => `${id} = ${name}`);
    const message = `the numbers of the rows are read as the model's own classes: ${listed(pairs)}`;
    notices.tell(makeNotice('data/labels-are-ids', fewNames(pairs), message));
  }
  if (kept !== null) return;
  const message = `the model was made for other classes (${listed(own)}); those of the rows (${listed(found)}) take their place`;
  notices.tell(makeNotice('data/other-classes', { model: fewNames(own), rows: fewNames(found) }, message));
}

function countLabels(rows: readonly Label[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const label of rows.flat()) counts.set(String(label), (counts.get(String(label)) ?? 0) + 1);
  return counts;
}

/** @param counts rows of each label @param names the classes */
export function noticeOddClasses(
  counts: ReadonlyMap<string, number>,
  names: readonly string[],
  notices: NoticeList,
): void {
  const single = names.filter((name) => counts.get(name) === 1);
  if (single.length > 0) {
    const verb = single.length === 1 ? 'occurs' : 'occur';
    const message = `${single.length} of ${names.length} classes ${verb} in one row only (${quoted(single)})`;
    notices.tell(makeNotice('data/rare-classes', { ...fewNames(single), all: names.length }, message));
  }
  for (const alike of groupAlike([...counts.keys()])) {
    const message = `the classes ${quoted(alike)} differ in capitals, blanks or hyphens only, and are learned as different ones`;
    notices.tell(makeNotice('data/similar-classes', fewNames(alike), message));
  }
  if (names.length > MANY_NUMBERS && names.every((name) => Number.isInteger(Number(name)))) {
    const message = `the labels are ${names.length} different whole numbers, each read as a class; where they are amounts, let a number be foretold instead (problem_type regression)`;
    notices.tell(makeNotice('data/many-numbers', { count: names.length }, message));
  }
}

/** Names that people would hold for one. */
function groupAlike(names: readonly string[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const key = foldName(name).replace(/[\s_-]+/g, ' ');
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function listed(names: readonly string[]): string {
  const { names: few, more } = fewNames(names);
  return `${few.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The first few in quotes, and how many more there are. */
export const quoted = (names: readonly string[]): string => listed(names.map((name) => `"${name}"`));
