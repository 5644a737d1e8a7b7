/**
 * @file What a model says about each tensor it needs from its files.
 */

/**
 * A low-rank update: of a linear, its tensors `<path>.lora_A.weight` and so on; of an embedding table, `<path>.lora_embedding_A` and
 * `<path>.lora_embedding_B`; with DoRA `<path>.lora_magnitude_vector` of both.
 */
export interface UpdateSpec {
  readonly rank: number;
  /** alpha / r, or alpha / sqrt(r). */
  readonly scale: number;
  /** Dropout on the update's input, 0 to 1; a table has none. */
  readonly dropout: number;
  /** Quasi-LoRA's vector s over the outputs. */
  readonly scalingVector: boolean;
  /** DoRA's magnitude vector over the outputs. */
  readonly dora: boolean;
}

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
  /** A table under a name that is never run, since others look tokens up in it under theirs (T5's `shared`): no adapter of PEFT's works there. */
  readonly isNeverRun?: true;
  /** Of a table: the row that learns nothing when it is looked up (torch's `padding_idx`); null or left out = none. */
  readonly paddingRow?: number | null;
  /** Of a table, set by PEFT before the step is built; null or left out = none. */
  update?: UpdateSpec | null;
}

/** Names of the matrices that files hold the other way round. */
export function transposedNames(weights: readonly WeightSpec[]): ReadonlySet<string> {
  return new Set(weights.filter(({ transposed }) => transposed).map(({ name }) => name));
}
