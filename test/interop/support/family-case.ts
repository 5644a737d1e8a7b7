/**
 * @file What a random model of a family is made of, and the sizes that these models share.
 *
 * Sequences of 48 tokens and 32 written ones reach beyond every window and original length below. Dropout is off: the Trainer would
 * apply what the config asks for, at random.
 */
export type Settings = Readonly<Record<string, unknown>>;

/** A model to make, and what is special about it. */
export interface FamilyCase {
  readonly type: string;
  /** What is special about this one. */
  readonly name: string;
  readonly config: Settings;
  /** Further arguments of make_model. */
  readonly make?: Settings;
  /** Tasks on the finished folder, in the order given. */
  readonly edits?: readonly { readonly op: string; readonly [argument: string]: unknown }[];
  /** Targets of the adapter; all-linear where left out. */
  readonly targets?: readonly string[];
  /** Reads a source with an encoder; its rows are pairs. */
  readonly isEncoderDecoder?: boolean;
}

export const VOCAB = 160;

/** No token ends an answer; sizes are odd where the family allows it. */
export const COMMON = { vocab_size: VOCAB, bos_token_id: null, eos_token_id: null, pad_token_id: null };
export const LLAMA_LIKE = {
  ...COMMON,
  hidden_size: 48,
  intermediate_size: 77,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 3,
  max_position_embeddings: 128,
  tie_word_embeddings: false,
};
export const SHARDED = { dtype: 'bf16', max_shard_size: '20KB' };
