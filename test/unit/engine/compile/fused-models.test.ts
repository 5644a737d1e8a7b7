/**
 * @file Graphs that fuse against op-by-op execution for the blocks that Llama has not: other norms, activations, positions, masks and orders
 * of branches. Losses, gradient norms and trained tensors to 1e-6 in f32, over batches of two sizes, and to 1e-2 in bf16.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Batch } from '../../../../src-main/engine/data/batches.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { makeTestFolder, T5_CONFIG, T5_GATED, T5_SPREAD, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRunOptions } from '../support/tiny-run.ts';
import { largestGap, largestGapOf, makeBatch, makePair, randomBatch, trainStep } from '../support/tiny-steps.ts';

/** In bf16 chains round once, at their ends, and single ops each time. */
const TOLERANCES = { float32: 1e-6, bfloat16: 1e-2 };
const SIZES = {
  ...{ vocab_size: 20, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, max_position_embeddings: 32 },
};
const GPT2 = { model_type: 'gpt2', vocab_size: 20, n_embd: 16, n_layer: 2, n_head: 4, n_positions: 32 };
const rotated = (part: number) => ({ rope_type: 'default', rope_theta: 10000, partial_rotary_factor: part });

const ROWS = [randomBatch(1, [9, 5]), randomBatch(2, [3, 24, 11])];
const PAIRS = [
  makeBatch([[makePair(1, 9, 4)], [makePair(2, 5, 13)]]),
  makeBatch([[makePair(4, 7, 7), makePair(5, 6, 2)], [makePair(6, 1, 17)], [makePair(7, 12, 6)]]),
];

interface Setting extends Pick<TinyRunOptions, 'peft' | 'checkpointing' | 'attentionParts'> {
  readonly title: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly spread?: number;
  readonly batches?: readonly Batch[];
}

const SETTINGS: readonly Setting[] = [
  {
    title: 'Mistral: one key/value head',
    config: { ...SIZES, model_type: 'mistral', num_key_value_heads: 1, sliding_window: 7 },
  },
  { title: 'GPT-2: norms with means, learned positions, tanh GELU', config: GPT2 },
  {
    title: 'Gemma 2: capped scores, norms on both sides, windows',
    config: {
      ...{ ...SIZES, model_type: 'gemma2', num_key_value_heads: 2, head_dim: 6, sliding_window: 7 },
      ...{ query_pre_attn_scalar: 20, attn_logit_softcapping: 4.5, final_logit_softcapping: 5.5 },
    },
    checkpointing: true,
  },
  {
    title: 'Phi: half of each head rotated, norms on queries and keys, branches side by side',
    config: { ...SIZES, model_type: 'phi', qk_layernorm: true, rope_parameters: rotated(0.5) },
  },
  {
    title: 'GPT-NeoX: one after the other, exact GELU, attention in parts',
    config: {
      ...{ ...SIZES, model_type: 'gpt_neox', use_parallel_residual: false, hidden_act: 'gelu' },
      rope_parameters: rotated(1),
    },
    attentionParts: 4,
  },
  {
    title: 'Falcon: ALiBi, fused projections',
    config: { ...SIZES, model_type: 'falcon', alibi: true, multi_query: false, parallel_attn: false, bias: true },
  },
  {
    title: 'OLMo 2: norms after the branches and over all heads',
    config: { ...SIZES, model_type: 'olmo2', num_key_value_heads: 2 },
  },
  {
    title: 'Qwen 3: norms of each head, LoRA',
    config: { ...SIZES, model_type: 'qwen3', num_key_value_heads: 2, head_dim: 6 },
    peft: {},
  },
  { title: 'T5: a learned bias in the mask, ReLU', config: T5_CONFIG, spread: T5_SPREAD, batches: PAIRS },
  {
    title: 'T5 1.1: gated tanh GELU, checkpoints',
    config: { ...T5_CONFIG, ...T5_GATED, num_decoder_layers: 3 },
    ...{ spread: T5_SPREAD, batches: PAIRS, checkpointing: true },
  },
];

const place = await makeTestFolder();
let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

describe.each(SETTINGS)('$title', ({ title, config, spread, batches = ROWS, ...settings }) => {
  it.each(['float32', 'bfloat16'] as const)('trains as op by op in %s', async (compute) => {
    const { dir } = await writeRandomModel(place(`${title.replaceAll(/\W+/g, '-')}-${compute}`), config, 'F32', spread);
    // Plain descent: AdamW would blow up the rounding of gradients that are zero, as those of key biases, to full steps.
    const common = { binding, dir, compute, peft: { peft_type: 'NONE' }, optim: 'sgd', ...settings } as const;
    const eager = await openTinyRun({ ...common, mode: 'eager', checkpointing: false });
    onTestFinished(() => eager.dispose());
    const fused = await openTinyRun({ ...common, mode: 'compiled', fuses: true });
    onTestFinished(() => fused.dispose());
    expect(fused.program).toMatchObject({ mode: 'compiled', fuses: true });
    const tolerance = TOLERANCES[compute];
    const start = eager.tensors();
    // Other sizes need other kernels, which takes its time: in bf16 only what chains are made of differs.
    for (const [index, batch] of batches.slice(compute === 'float32' ? 0 : -1).entries()) {
      const step = { step: index + 1, learningRate: 0.1, maxNorm: 0.5 };
      const [wanted, found] = [eager, fused].map((run) => trainStep(run, [batch], step));
      expect(largestGap([found!.loss], [wanted!.loss])).toBeLessThan(tolerance);
      expect(Math.abs(found!.gradNorm / wanted!.gradNorm - 1)).toBeLessThan(tolerance * 10);
    }
    expect(largestGapOf(fused.tensors(), eager.tensors())).toBeLessThan(tolerance);
    for (const [name, values] of eager.tensors()) {
      if (!/\bk_proj\.bias$/.test(name)) expect(largestGap(values, start.get(name)!), name).toBeGreaterThan(1e-5);
    }
  });
});
