/**
 * @file How good a classifier's answers are: accuracy and F1 as scikit-learn defines them, and errors and correlation of numbers.
 */

export interface ClassFigures {
  readonly [name: string]: number;
  /** Share of the rows that are right; of several classes a row all must be. */
  readonly accuracy: number;
  /** Mean of the classes' F1, whatever their size (macro). */
  readonly f1: number;
  /** The same weighted by the rows of each class. */
  readonly f1_weighted: number;
}

/** @param expected class ids @param found class ids */
export function figuresOfClasses(expected: readonly number[], found: readonly number[], classes: number): ClassFigures {
  const asSet = (ids: readonly number[]): number[][] => ids.map((id) => oneHot(id, classes));
  // scikit-learn leaves out classes that are neither expected nor found.
  const occurring = new Set([...expected, ...found]);
  return figuresOf(asSet(expected), asSet(found), (id) => occurring.has(id));
}

/** @param expected 0 or 1 for each class of each row @param found like expected */
export function figuresOfClassSets(
  expected: readonly (readonly number[])[],
  found: readonly (readonly number[])[],
): ClassFigures {
  return figuresOf(expected, found, () => true);
}

function oneHot(id: number, size: number): number[] {
  return Array.from({ length: size }, (_, index) => (index === id ? 1 : 0));
}

function figuresOf(
  expected: readonly (readonly number[])[],
  found: readonly (readonly number[])[],
  isCounted: (id: number) => boolean,
): ClassFigures {
  const width = expected[0]?.length ?? 0;
  const ids = Array.from({ length: width }, (_, id) => id).filter(isCounted);
  const counts = ids.map((id) => countClass(id, expected, found));
  const scores = counts.map(f1Of);
  const rows = counts.reduce((sum, { support }) => sum + support, 0);
  const right = expected.filter((row, index) => row.every((value, id) => value === found[index]![id])).length;
  return {
    accuracy: right / Math.max(1, expected.length),
    f1: scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length),
    f1_weighted: scores.reduce((sum, score, index) => sum + score * counts[index]!.support, 0) / Math.max(1, rows),
  };
}

interface ClassCounts {
  readonly hits: number;
  /** Found and not expected, expected and not found. */
  readonly wrong: number;
  readonly missed: number;
  /** Expected. */
  readonly support: number;
}

function countClass(
  id: number,
  expected: readonly (readonly number[])[],
  found: readonly (readonly number[])[],
): ClassCounts {
  let [hits, wrong, missed] = [0, 0, 0];
  for (const [index, row] of expected.entries()) {
    const [wanted, got] = [row[id] === 1, found[index]![id] === 1];
    if (wanted && got) hits += 1;
    else if (got) wrong += 1;
    else if (wanted) missed += 1;
  }
  return { hits, wrong, missed, support: hits + missed };
}

/** 0 where the class occurs nowhere, as scikit-learn's zero_division 0. */
function f1Of({ hits, wrong, missed }: ClassCounts): number {
  return hits === 0 ? 0 : (2 * hits) / (2 * hits + wrong + missed);
}

export interface NumberFigures {
  readonly [name: string]: number;
  /** Mean squared and mean absolute error. */
  readonly mse: number;
  readonly mae: number;
  /** Pearson's correlation; 0 where one side does not vary. */
  readonly r: number;
}

export function figuresOfNumbers(expected: readonly number[], found: readonly number[]): NumberFigures {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const errors = expected.map((value, index) => found[index]! - value);
  const [centre, other] = [mean(expected), mean(found)];
  const shared = mean(expected.map((value, index) => (value - centre) * (found[index]! - other)));
  const spread = Math.sqrt(
    mean(expected.map((value) => (value - centre) ** 2)) * mean(found.map((value) => (value - other) ** 2)),
  );
  return {
    mse: mean(errors.map((error) => error * error)),
    mae: mean(errors.map(Math.abs)),
    r: spread === 0 ? 0 : shared / spread,
  };
}
