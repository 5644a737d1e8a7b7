/**
 * @file What a model says about each tensor it needs from its files.
 */

export interface WeightSpec {
  /** Name in the files after the model's own renames, for instance `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** As in the files, unless `transposed`: a linear's weight is [out, in]. */
  readonly shape: readonly number[];
  /** The file holds the matrix as [in, out]; a folder opened by `openModel` turns it. */
  readonly transposed?: boolean;
  /** `matrix`: a linear's weight, may be quantized. `embedding`: a table of rows. `vector`: norms, biases. */
  readonly role: 'matrix' | 'embedding' | 'vector';
  /** Matrices with the same stack are stored as one, in the order of the specs, where all of them are frozen. */
  readonly stack?: string;
}

/** Names of the matrices that files hold the other way round. */
export function transposedNames(weights: readonly WeightSpec[]): ReadonlySet<string> {
  return new Set(weights.filter(({ transposed }) => transposed).map(({ name }) => name));
}
