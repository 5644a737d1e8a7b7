/**
 * @file Random classifiers of every encoder family, and of decoders with a classification head.
 *
 * Dropout is off: the Trainer would apply what the config asks for, at random. 21 tokens with special ones reach no limit of positions.
 */
import { COMMON, LLAMA_LIKE, type Settings, SHARDED, VOCAB } from './family-case.ts';

export type ProblemType = 'single_label_classification' | 'multi_label_classification' | 'regression';

export interface ClassifierCase {
  readonly type: string;
  readonly name: string;
  readonly config: Settings;
  readonly make?: Settings;
  readonly problem: ProblemType;
  readonly labels: number;
  /** Targets of the adapter; all-linear where left out. With it PEFT itself puts an adapter into heads that it also trains whole. */
  readonly targets?: readonly string[];
  /** Id of the padding token, 0 or 1. */
  readonly pad?: number;
  /** Tasks on the finished folder: older spellings of the same model. */
  readonly edits?: readonly { readonly op: string; readonly [argument: string]: unknown }[];
}

const NO_DROPOUT = { hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, classifier_dropout: 0 };
const BERT = {
  ...{ vocab_size: VOCAB, pad_token_id: 0, ...NO_DROPOUT },
  ...{ hidden_size: 48, intermediate_size: 77, num_hidden_layers: 2, num_attention_heads: 3 },
  max_position_embeddings: 64,
};
const ROBERTA = {
  ...BERT,
  pad_token_id: 1,
  bos_token_id: 0,
  eos_token_id: 2,
  type_vocab_size: 1,
  max_position_embeddings: 66,
};
const DISTILBERT = {
  ...{ vocab_size: VOCAB, pad_token_id: 0, dropout: 0, attention_dropout: 0, seq_classif_dropout: 0 },
  ...{ dim: 48, hidden_dim: 77, n_layers: 2, n_heads: 3, max_position_embeddings: 64 },
};
const DISTILBERT_LINEARS = ['q_lin', 'k_lin', 'v_lin', 'out_lin', 'lin1', 'lin2'];
const ROBERTA_LINEARS = ['query', 'key', 'value', 'intermediate.dense', 'output.dense'];
const PADDED = { pad_token_id: 0 };
const single = { problem: 'single_label_classification', labels: 5 } as const;

export const CLASSIFIER_CASES: readonly ClassifierCase[] = [
  { type: 'bert', name: 'odd heads', config: BERT, ...single },
  {
    type: 'bert',
    name: 'one kind of sentences, tanh GELU, several classes a row, sharded bf16',
    config: { ...BERT, num_attention_heads: 6, type_vocab_size: 1, hidden_act: 'gelu_new' },
    make: SHARDED,
    problem: 'multi_label_classification',
    labels: 4,
  },
  {
    type: 'bert',
    name: 'ReLU, a number, names of 2018',
    config: { ...BERT, hidden_act: 'relu' },
    problem: 'regression',
    labels: 1,
    edits: [
      { op: 'edit_tensors', pattern: 'LayerNorm\\.weight$', replacement: 'LayerNorm.gamma' },
      {
        op: 'edit_tensors',
        pattern: 'LayerNorm\\.bias$',
        replacement: 'LayerNorm.beta',
        buffers: ['bert.embeddings.position_ids'],
      },
    ],
  },
  { type: 'distilbert', name: 'odd heads', config: DISTILBERT, targets: DISTILBERT_LINEARS, ...single },
  {
    type: 'distilbert',
    name: 'ReLU, several classes a row, sharded bf16',
    targets: ['q_lin', 'v_lin'],
    config: { ...DISTILBERT, n_heads: 4, activation: 'relu', sinusoidal_pos_embds: true },
    make: SHARDED,
    problem: 'multi_label_classification',
    labels: 3,
  },
  { type: 'roberta', name: 'odd heads', config: ROBERTA, targets: ROBERTA_LINEARS, pad: 1, ...single },
  {
    type: 'roberta',
    name: 'padding token 0, a number, sharded bf16',
    targets: ['query', 'value'],
    config: { ...ROBERTA, pad_token_id: 0, num_attention_heads: 6, type_vocab_size: 2 },
    make: SHARDED,
    problem: 'regression',
    labels: 1,
  },
  { type: 'llama', name: 'a head on the last token', config: { ...LLAMA_LIKE, ...PADDED }, ...single },
  {
    type: 'gpt2',
    name: 'matrices the other way round, tied embeddings, several classes a row',
    config: {
      ...{ ...COMMON, ...PADDED, n_embd: 48, n_layer: 2, n_head: 3, n_positions: 64 },
      ...{ resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0 },
    },
    problem: 'multi_label_classification',
    labels: 4,
  },
  {
    type: 'qwen2',
    name: 'tied embeddings, sharded bf16',
    config: { ...LLAMA_LIKE, ...PADDED, tie_word_embeddings: true },
    make: SHARDED,
    ...single,
  },
];
