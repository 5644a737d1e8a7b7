/**
 * @file What the table of memory is made of: models of random weights, and runs on them that differ in one thing at a time.
 */
import type { RawConfig } from '../../../src-main/engine/models/config-reader.ts';
import { MODELS as LLAMAS, RANK } from '../workloads.ts';

export interface Configuration {
  readonly model: string;
  readonly method: 'none' | 'bf16' | 'int8' | 'nf4';
  /** Tokens of each row. */
  readonly length: number;
  readonly batch: number;
  readonly checkpointing: boolean;
  /** What lies between products runs as compiled kernels: runs as short as these would choose single ops. */
  readonly fused: boolean;
  /** What else it has, for the table; '' = plain LoRA with AdamW. */
  readonly extra: string;
  readonly settings: Settings;
  /** Optimizer steps where two do not show it: rows of all lengths have products prepared for each. */
  readonly steps?: number;
}

/** `section.name` -> value. */
type Settings = Readonly<Record<string, unknown>>;

const GEMMA_LIKE = { hidden_size: 320, num_hidden_layers: 8, num_attention_heads: 4, num_key_value_heads: 1 };

export const MODELS: Readonly<Record<string, RawConfig>> = {
  ...Object.fromEntries(Object.entries(LLAMAS).map(([name, shape]) => [name, { model_type: 'llama', ...shape }])),
  gemma3: {
    ...GEMMA_LIKE,
    ...{ model_type: 'gemma3_text', vocab_size: 65_536, intermediate_size: 1024, head_dim: 128, sliding_window: 256 },
    ...{ tie_word_embeddings: true, max_position_embeddings: 2048 },
  },
  gemma2: {
    ...GEMMA_LIKE,
    ...{ model_type: 'gemma2', vocab_size: 65_536, intermediate_size: 1024, head_dim: 128, sliding_window: 256 },
    ...{ tie_word_embeddings: true, max_position_embeddings: 2048 },
  },
  bert: {
    ...{ model_type: 'bert', vocab_size: 30_522, hidden_size: 384, num_hidden_layers: 8, num_attention_heads: 6 },
    ...{ intermediate_size: 1536, max_position_embeddings: 512, type_vocab_size: 2, pad_token_id: 2 },
  },
  t5: {
    ...{ model_type: 't5', is_encoder_decoder: true, vocab_size: 32_128, d_model: 384, d_kv: 64, d_ff: 1024 },
    ...{ num_layers: 6, num_decoder_layers: 6, num_heads: 6, decoder_start_token_id: 0, pad_token_id: 0 },
  },
};

const SHAPES = [
  [128, 4],
  [512, 2],
  [1024, 2],
  [256, 8],
] as const;
const PLAIN = { checkpointing: false, fused: false, extra: '', settings: {} } as const;
/** What their rows are like. */
export const VARIED = 'all lengths, evaluation, answers';
/** Rows are held out, measured, and a few of them answered, between the steps. */
const EVALUATION: Settings = { 'data.eval_fraction': 0.3, 'training.eval_steps': 1 };

const grids = (
  [
    ['15M', ['none', 'bf16']],
    ['60M', ['bf16', 'nf4']],
  ] as const
).flatMap(([model, methods]) =>
  SHAPES.flatMap(([length, batch]) =>
    [false, true].flatMap((checkpointing) =>
      methods.map((method): Configuration => ({ ...PLAIN, model, method, length, batch, checkpointing })),
    ),
  ),
);

const large: readonly Configuration[] = [
  { ...PLAIN, model: '135M', method: 'bf16', length: 256, batch: 4 },
  { ...PLAIN, model: '135M', method: 'nf4', length: 256, batch: 4, checkpointing: true },
  { ...PLAIN, model: '135M', method: 'none', length: 128, batch: 2 },
  { ...PLAIN, model: '135M', method: 'int8', length: 512, batch: 1 },
  { ...PLAIN, model: '135M', method: 'nf4', length: 1024, batch: 1, checkpointing: true },
];

const evaluated: readonly Configuration[] = (
  [
    ['15M', 'none', 128, 4, {}],
    ['15M', 'bf16', 512, 2, {}],
    ['15M', 'bf16', 128, 2, { 'training.per_device_eval_batch_size': 16 }],
    ['60M', 'bf16', 256, 4, {}],
    ['60M', 'nf4', 512, 2, {}],
    ['60M', 'int8', 256, 4, {}],
    ['135M', 'nf4', 256, 2, {}],
    ['gemma3', 'bf16', 256, 4, {}],
    ['bert', 'bf16', 128, 8, {}],
    ['t5', 'nf4', 256, 4, {}],
  ] as const
).map(([model, method, length, batch, more]) => ({
  ...PLAIN,
  ...{ model, method, length, batch, settings: { ...EVALUATION, ...more } },
  extra: 'evaluation, answers' + ('training.per_device_eval_batch_size' in more ? ', 16 rows' : ''),
}));

const others: readonly Configuration[] = [
  { ...PLAIN, model: 'gemma3', method: 'bf16', length: 256, batch: 4 },
  { ...PLAIN, model: 'gemma3', method: 'nf4', length: 512, batch: 2, checkpointing: true },
  { ...PLAIN, model: 'gemma2', method: 'bf16', length: 256, batch: 4 },
  { ...PLAIN, model: 'bert', method: 'none', length: 256, batch: 8 },
  { ...PLAIN, model: 'bert', method: 'nf4', length: 128, batch: 16 },
  { ...PLAIN, model: 't5', method: 'bf16', length: 256, batch: 4 },
  { ...PLAIN, model: 't5', method: 'none', length: 128, batch: 8, checkpointing: true },
  ...(
    [
      ['r = 64', { 'peft.r': 64 }],
      ['SGD', { 'training.optim': 'sgd' }],
      ['Adafactor, r = 64', { 'training.optim': 'adafactor', 'peft.r': 64 }],
      ['packing', { 'data.packing': true, 'data.max_length': 512 }],
      ['table trained whole', { 'peft.modules_to_save': ['embed_tokens'] }],
      ['DoRA', { 'peft.use_dora': true }],
      ['all weights, SGD', { 'peft.peft_type': 'NONE', 'training.optim': 'sgd' }],
    ] as const
  ).map(([extra, settings]) => ({
    ...PLAIN,
    model: '60M',
    method: 'bf16' as const,
    length: 256,
    batch: 4,
    extra,
    settings,
  })),
];

/** Rows of all lengths, evaluated now and then, over more steps. */
const varied: readonly Configuration[] = (
  [
    ['sample', 'bf16', 512, 2, 60, { 'data.packing': true }],
    ['60M', 'bf16', 256, 4, 12, {}],
    ['15M', 'nf4', 256, 8, 20, {}],
    ['15M', 'bf16', 512, 2, 400, {}],
  ] as const
).map(([model, method, length, batch, steps, more]) => ({
  ...{ ...PLAIN, model, method, length, batch, steps, extra: VARIED },
  settings: { ...EVALUATION, 'training.eval_steps': Math.ceil(steps / 2), ...more },
}));

const plain: readonly Configuration[] = [...varied, ...evaluated, ...others, ...grids, ...large];

/** All of them as single ops, and then as kernels. */
export const CONFIGURATIONS: readonly Configuration[] = [
  ...plain,
  ...plain.map((configuration) => ({ ...configuration, fused: true })),
];

/** The model that comes with the program, on its own task. */
export const SAMPLE = 'sample';

/** For the files of a configuration, and to find what was measured of it. */
export function keyOf({ model, method, length, batch, checkpointing, fused, extra }: Configuration): string {
  const words = [checkpointing ? 'checkpointing' : '', extra, fused ? 'fused' : ''];
  return [model, method, `${batch}x${length}`, ...words].filter(Boolean).join(' ');
}

/** Two trial steps over the longest rows come before; evaluations and answers come after each. */
const STEPS = 2;

/** For the run and for its estimate. */
export const executionOf = ({ fused }: Configuration): { TUNESMITH_EXECUTION: string } => ({
  TUNESMITH_EXECUTION: fused ? 'fused' : 'plain',
});

/** The whole of a run's settings. */
export function settingsOf(configuration: Configuration): Settings {
  const { model, method, length, batch, checkpointing, settings, steps = STEPS } = configuration;
  const format = model === 'bert' ? 'classification' : 'tokens';
  return {
    'data.format': model === SAMPLE ? 'auto' : format,
    'data.packing': false,
    'data.max_length': length,
    'data.eval_fraction': 0,
    'data.completion_only_loss': false,
    'quantization.method': method,
    'peft.r': RANK,
    'training.per_device_train_batch_size': batch,
    'training.gradient_accumulation_steps': 1,
    'training.max_steps': steps,
    'training.logging_steps': 1,
    'training.gradient_checkpointing': checkpointing,
    ...settings,
  };
}
