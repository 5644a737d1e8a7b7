/**
 * @file Sizes of tensor axes that may not be known yet.
 *
 * Model code runs in two ways: eagerly, where every size is a number, and traced into a graph that must serve every batch and
 * length, where the batch, the length and the number of labels are symbols. A `Dim` is either. Symbolic sizes are monomials
 * (coefficient x product of symbols), which is all that reshapes and slices of a transformer need.
 */

/** coefficient x product of named symbols, the names sorted; `name` may repeat for powers. */
export interface SymbolicDim {
  readonly coefficient: number;
  readonly symbols: readonly string[];
}

export type Dim = number | SymbolicDim;
export type Shape = readonly Dim[];

/** A size that is only known when the graph runs. */
export function symbol(name: string): SymbolicDim {
  return { coefficient: 1, symbols: [name] };
}

export function isKnown(dim: Dim): dim is number {
  return typeof dim === 'number';
}

export function multiplyDims(...dims: readonly Dim[]): Dim {
  let coefficient = 1;
  const symbols: string[] = [];
  for (const dim of dims) {
    if (isKnown(dim)) coefficient *= dim;
    else {
      coefficient *= dim.coefficient;
      symbols.push(...dim.symbols);
    }
  }
  return symbols.length === 0 ? coefficient : { coefficient, symbols: symbols.sort() };
}

/** Exact division by a number. The caller makes sure that it divides when the graph runs. */
export function divideDim(dim: Dim, by: number): Dim {
  if (isKnown(dim)) {
    if (dim % by !== 0) throw new Error(`internal: size ${dim} is not a multiple of ${by}`);
    return dim / by;
  }
  return { coefficient: dim.coefficient / by, symbols: dim.symbols };
}

export function dimKey(dim: Dim): string {
  return isKnown(dim) ? String(dim) : `${dim.coefficient}*${dim.symbols.join('*')}`;
}

export function sameDim(a: Dim, b: Dim): boolean {
  return dimKey(a) === dimKey(b);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => sameDim(dim, b[axis]!));
}

/** The number behind a size, given the symbols' values. @throws if a symbol has no value. */
export function evaluateDim(dim: Dim, values: Readonly<Record<string, number>>): number {
  if (isKnown(dim)) return dim;
  const product = dim.symbols.reduce((before, name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`internal: size ${name} has no value`);
    return before * value;
  }, dim.coefficient);
  // Sizes are whole; coefficients such as 1/49 have no exact binary fraction.
  return Math.round(product);
}

/** Product of all axes. */
export function sizeOf(shape: Shape): Dim {
  return multiplyDims(...shape);
}

/** A shape that must be all numbers. */
export function knownShape(shape: Shape): number[] {
  return shape.map((dim) => {
    if (!isKnown(dim)) throw new Error(`internal: shape [${shape.map(dimKey).join(', ')}] is not known yet`);
    return dim;
  });
}
