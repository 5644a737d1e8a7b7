/**
 * @file Twenty-step loss traces of every kind of adapter against PEFT. Tolerances as in loss-trace.test.ts.
 *
 * PiSSA starts from the weights themselves, so both sides make their own start: the singular vectors' signs are free, and no figure
 * depends on them. A list of modules as `bias` is ours alone: the reference unfreezes the same biases by hand.
 */
import { randomTokens } from './support/random.ts';
import { TRACE_VOCAB, type TraceCase } from './support/trace.ts';
import { testTraces } from './support/trace-suite.ts';

const ALL_LINEAR = { r: 4, lora_alpha: 8, target_modules: 'all-linear' };
const TWO = { ...ALL_LINEAR, target_modules: ['q_proj', 'down_proj'] };
const BIASED_MODEL = { attention_bias: true, mlp_bias: true };

/** A token that the rows hold: the first of the first row. */
const PADDING = randomTokens(100, 1, TRACE_VOCAB)[0]!;

const CASES: readonly TraceCase[] = [
  { name: 'DoRA', peft: { ...ALL_LINEAR, use_dora: true } },
  {
    name: 'DoRA, fresh, rank-stabilized, with biases, decayed and clipped',
    model: BIASED_MODEL,
    peft: { ...ALL_LINEAR, use_dora: true, use_rslora: true, bias: 'lora_only' },
    training: { learning_rate: 1e-3, weight_decay: 0.1, max_grad_norm: 0.5 },
    randomB: false,
  },
  { name: 'LoRA+', peft: ALL_LINEAR, training: { loraplus_lr_ratio: 4, learning_rate: 1e-3 } },
  {
    name: 'LoRA+ with biases, weight decay and warm-up',
    model: BIASED_MODEL,
    peft: { ...ALL_LINEAR, bias: 'all' },
    training: {
      loraplus_lr_ratio: 8,
      learning_rate: 5e-4,
      weight_decay: 0.1,
      lr_scheduler_type: 'linear',
      warmup_steps: 4,
    },
  },
  {
    name: 'rank and alpha patterns',
    peft: {
      ...ALL_LINEAR,
      rank_pattern: { q_proj: 2, '1.mlp.up_proj': 7 },
      alpha_pattern: { down_proj: 16, '^model.layers.0.self_attn.v_proj': 3 },
    },
  },
  {
    name: 'rank pattern under rank-stabilized scaling and DoRA',
    peft: { ...ALL_LINEAR, use_dora: true, use_rslora: true, rank_pattern: { 'layers.0..*': 3 } },
    training: { learning_rate: 1e-3 },
  },
  { name: 'bias of listed modules', model: BIASED_MODEL, peft: { ...TWO, bias: ['v_proj', '1.mlp.down_proj'] } },
  {
    name: 'modules to save: head and norm',
    peft: { ...TWO, modules_to_save: ['lm_head', 'norm'] },
    training: { learning_rate: 2e-3, weight_decay: 0.1 },
  },
  {
    name: 'modules to save: embeddings and a whole layer part',
    peft: { ...TWO, modules_to_save: ['embed_tokens', 'layers.0.mlp'] },
    training: { learning_rate: 2e-3 },
  },
  { name: 'one layer', peft: { ...ALL_LINEAR, target_modules: ['q_proj', 'up_proj'], layers_to_transform: [1] } },
  {
    name: 'modules left out',
    peft: { ...ALL_LINEAR, exclude_modules: ['k_proj', '0.mlp.down_proj'] },
  },
  {
    name: 'modules left out by regular expression',
    peft: { ...ALL_LINEAR, target_modules: ['q_proj', 'o_proj', 'gate_proj'], exclude_modules: '.*\\.0\\..*' },
  },
  { name: 'Gaussian start', peft: { ...ALL_LINEAR, init_lora_weights: 'gaussian' }, randomB: false },
  {
    name: 'PiSSA start',
    peft: { ...ALL_LINEAR, init_lora_weights: 'pissa' },
    training: { learning_rate: 1e-3 },
    fresh: true,
  },
  {
    name: 'the embedding adapted',
    peft: { ...ALL_LINEAR, target_modules: ['embed_tokens', 'q_proj', 'down_proj'] },
    training: { learning_rate: 2e-3, weight_decay: 0.1 },
  },
  {
    name: 'the embedding adapted, fresh, its table the head too',
    model: { tie_word_embeddings: true },
    peft: {
      ...ALL_LINEAR,
      target_modules: '.*(embed_tokens|v_proj)',
      use_rslora: true,
      rank_pattern: { embed_tokens: 7 },
      alpha_pattern: { embed_tokens: 3 },
    },
    randomB: false,
  },
  {
    name: 'DoRA of the embedding, decayed and clipped',
    peft: { ...ALL_LINEAR, use_dora: true, target_modules: ['embed_tokens', 'q_proj', 'down_proj'] },
    training: { learning_rate: 2e-3, weight_decay: 0.1, max_grad_norm: 0.5 },
  },
  {
    name: 'DoRA of the embedding, fresh, its table the head too',
    model: { tie_word_embeddings: true },
    peft: { ...ALL_LINEAR, use_dora: true, target_modules: ['embed_tokens'], use_rslora: true },
    randomB: false,
  },
  {
    name: 'LoRA+ with the embedding and its own rate',
    peft: { ...ALL_LINEAR, target_modules: ['embed_tokens', 'v_proj', 'down_proj'] },
    training: { loraplus_lr_ratio: 4, loraplus_lr_embedding: 4e-3, learning_rate: 1e-3, weight_decay: 0.1 },
  },
  {
    name: 'LoRA+ with DoRA of the embedding at the usual rate, warmed up',
    peft: { ...ALL_LINEAR, use_dora: true, target_modules: ['embed_tokens', 'q_proj'] },
    training: { loraplus_lr_ratio: 8, learning_rate: 1e-3, lr_scheduler_type: 'linear', warmup_steps: 4 },
  },
  ...[
    { name: 'the embedding adapted', peft: { ...ALL_LINEAR, target_modules: ['embed_tokens', 'q_proj'] } },
    {
      name: 'DoRA of the embedding',
      peft: { ...ALL_LINEAR, use_dora: true, target_modules: ['embed_tokens', 'q_proj'] },
    },
    { name: 'the embedding saved whole', peft: { ...TWO, modules_to_save: ['embed_tokens'] } },
  ].map((adapted): TraceCase => ({
    ...adapted,
    name: `${adapted.name}, a padding row among the tokens`,
    model: { pad_token_id: PADDING },
    training: { learning_rate: 2e-3 },
  })),
  {
    name: 'all weights, the padding row counted from the end, its table the head too',
    model: { pad_token_id: PADDING - TRACE_VOCAB, tie_word_embeddings: true },
    peft: { peft_type: 'NONE' },
    training: { learning_rate: 2e-3 },
  },
  { name: 'the output head adapted', peft: { ...ALL_LINEAR, target_modules: ['lm_head', 'v_proj'] } },
  {
    name: 'bf16: the embedding adapted',
    peft: { ...ALL_LINEAR, target_modules: ['embed_tokens', 'q_proj'] },
    quantization: 'bf16',
  },
  {
    name: 'bf16: DoRA of the embedding',
    peft: { ...ALL_LINEAR, use_dora: true, target_modules: ['embed_tokens', 'q_proj'] },
    quantization: 'bf16',
  },
  {
    name: 'bf16: DoRA',
    peft: { ...ALL_LINEAR, use_dora: true },
    quantization: 'bf16',
  },
];

testTraces('adapter-trace', CASES);
