/**
 * @file The compiled graph against op-by-op execution of the same entries: losses, gradient norms, state and logits over several
 * (batch, length) from one graph. 1e-6 in f32; 1e-2 in bf16, where merged ops round at other places.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { decode } from '../../../../src-main/engine/recipes/decode.ts';
import { makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRun, type TinyRunOptions } from '../support/tiny-run.ts';
import { evaluate, largestGap, largestGapOf, logitsOf, randomBatch, trainStep } from '../support/tiny-steps.ts';

const place = await makeTestFolder();
const { dir: plain } = await writeRandomModel(place('plain'));
const { dir: tied } = await writeRandomModel(place('tied'), { tie_word_embeddings: true, attention_bias: true });

/** Rows of other numbers and lengths from step to step. */
const BATCHES = [
  randomBatch(1, [9, 5]),
  randomBatch(2, [17]),
  randomBatch(3, [3, 24, 11]),
  randomBatch(4, [9, 8]),
  randomBatch(5, [13]),
];

interface Setting extends Omit<TinyRunOptions, 'binding' | 'mode'> {
  readonly title: string;
  readonly tolerance: number;
  readonly learningRate?: number;
}

/** The gradient of a bias of keys is zero but for rounding, which AdamW would blow up to full steps. */
const BIASES_TRAINED = { optim: 'sgd', learningRate: 0.1 } as const;

const SETTINGS: Setting[] = [
  { title: 'LoRA', dir: plain, tolerance: 1e-6 },
  {
    title: 'LoRA with dropout and checkpoints, gradients added up',
    dir: tied,
    peft: { lora_dropout: 0.25, bias: 'lora_only' },
    checkpointing: true,
    accumulate: true,
    tolerance: 1e-6,
    ...BIASES_TRAINED,
  },
  {
    title: 'LoRA with dropout, in two shards',
    dir: plain,
    peft: { lora_dropout: 0.25 },
    shards: 2,
    tolerance: 1e-6,
    optim: 'sgd',
    learningRate: 0.1,
  },
  { title: 'LoRA in three shards, fused', dir: plain, shards: 3, folded: true, fuses: true, tolerance: 1e-6 },
  { title: 'LoRA, attention in four parts', dir: plain, attentionParts: 4, tolerance: 1e-6 },
  { title: 'DoRA, loss in three chunks', dir: plain, peft: { use_dora: true }, chunks: 3, tolerance: 1e-6 },
  { title: 'Quasi-LoRA', dir: plain, peft: { peft_type: 'QLORA' }, tolerance: 1e-6 },
  {
    title: 'all weights, head and table tied',
    dir: tied,
    peft: { peft_type: 'NONE' },
    tolerance: 1e-6,
    ...BIASES_TRAINED,
  },
  {
    title: 'Quasi-LoRA with the embedding, head and table tied',
    dir: tied,
    peft: { peft_type: 'QLORA', target_modules: ['embed_tokens', 'v_proj'] },
    tolerance: 1e-6,
  },
  { title: 'LoRA in bf16', dir: plain, compute: 'bfloat16', tolerance: 1e-2 },
  {
    title: 'LoRA beside the weights with checkpoints, gradients added up',
    dir: tied,
    folded: true,
    checkpointing: true,
    accumulate: true,
    tolerance: 1e-6,
  },
  {
    title: 'Quasi-LoRA beside the weights, on some linears only',
    dir: plain,
    peft: { peft_type: 'QLORA', target_modules: ['q_proj', 'v_proj', 'up_proj'], r: 20 },
    folded: true,
    tolerance: 1e-6,
  },
  { title: 'LoRA beside weights in NF4', dir: plain, storage: 'nf4', folded: true, tolerance: 1e-6 },
  {
    title: 'LoRA beside copies of weights in INT8',
    dir: plain,
    storage: 'int8',
    keptBytes: Infinity,
    folded: true,
    tolerance: 1e-6,
  },
  { title: 'LoRA beside the weights in bf16', dir: plain, compute: 'bfloat16', folded: true, tolerance: 1e-2 },
  { title: 'LoRA, fused', dir: plain, fuses: true, attentionParts: 4, tolerance: 1e-6 },
  {
    title: 'LoRA with dropout and checkpoints, gradients added up, fused',
    dir: tied,
    peft: { lora_dropout: 0.25, bias: 'lora_only' },
    checkpointing: true,
    accumulate: true,
    fuses: true,
    tolerance: 1e-6,
    ...BIASES_TRAINED,
  },
  {
    title: 'all weights, head and table tied, fused',
    dir: tied,
    peft: { peft_type: 'NONE' },
    fuses: true,
    tolerance: 1e-6,
    ...BIASES_TRAINED,
  },
  {
    title: 'Quasi-LoRA beside the weights, fused',
    dir: plain,
    peft: { peft_type: 'QLORA' },
    folded: true,
    fuses: true,
    tolerance: 1e-6,
  },
  {
    title: 'DoRA, loss in three chunks, fused',
    dir: plain,
    peft: { use_dora: true },
    chunks: 3,
    fuses: true,
    tolerance: 1e-6,
  },
  { title: 'LoRA on NF4, fused', dir: plain, storage: 'nf4', keptBytes: Infinity, fuses: true, tolerance: 1e-6 },
  {
    title: 'LoRA beside the weights in bf16, fused',
    dir: plain,
    compute: 'bfloat16',
    folded: true,
    fuses: true,
    tolerance: 1e-2,
  },
  {
    title: 'all weights in bf16 with checkpoints',
    dir: tied,
    peft: { peft_type: 'NONE' },
    compute: 'bfloat16',
    checkpointing: true,
    attentionParts: 2,
    tolerance: 1e-2,
    ...BIASES_TRAINED,
  },
];

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

describe.each(SETTINGS)('$title', (options) => {
  const { tolerance, learningRate = 1e-3 } = options;
  let eager: TinyRun;
  let compiled: TinyRun;
  beforeAll(async () => {
    // The reference never computes updates beside the weights.
    eager = await openTinyRun({ ...options, binding, mode: 'eager', folded: false });
    compiled = await openTinyRun({ ...options, binding, mode: 'compiled' });
  });
  afterAll(() => {
    eager.dispose();
    compiled.dispose();
  });

  it('trains alike', () => {
    expect(compiled.program.mode).toBe('compiled');
    const before = eager.tensors();
    BATCHES.forEach((batch, index) => {
      const batches = options.accumulate ? [batch, BATCHES[(index + 2) % BATCHES.length]!] : [batch];
      const step = { step: index + 1, maxNorm: 0.5, learningRate };
      const wanted = trainStep(eager, batches, step);
      const found = trainStep(compiled, batches, step);
      expect(largestGap([found.loss], [wanted.loss])).toBeLessThan(tolerance);
      expect(Math.abs(found.gradNorm / wanted.gradNorm - 1)).toBeLessThan(tolerance * 10);
    });
    expect(largestGapOf(compiled.tensors(), eager.tensors())).toBeLessThan(tolerance);
    expect(largestGapOf(eager.tensors(), before)).toBeGreaterThan(1e-3);
    const [wanted, found] = [eager, compiled].map((run) => run.program.readVariables('state'));
    expect(largestGapOf(found!, wanted!)).toBeLessThan(tolerance);
  });

  it('evaluates alike', () => {
    for (const batch of BATCHES.slice(0, 3)) {
      expect(largestGap([evaluate(compiled, batch)], [evaluate(eager, batch)])).toBeLessThan(tolerance);
      expect(largestGap(logitsOf(compiled, batch), logitsOf(eager, batch))).toBeLessThan(tolerance * 10);
    }
  });

  it('writes alike', async () => {
    const answersOf = async ({ program, model }: TinyRun): Promise<Float32Array[]> => {
      const seen: Float32Array[] = [];
      await decode({
        ...{ program, model, prompts: [[3, 1, 4], [1, 5, 9, 2, 6], [5]], maxNewTokens: 4, padTokenId: 0 },
        // The tokens are given, so that equal logits within the tolerance lead to equal rows.
        choose: (logits, row) => {
          seen.push(logits.slice());
          return (row * 7 + seen.length) % 20;
        },
        isEnd: (_token, row) => row === 2 && seen.length > 5,
      });
      return seen;
    };
    const [wanted, found] = [await answersOf(eager), await answersOf(compiled)];
    expect(found).toHaveLength(wanted.length);
    wanted.forEach((logits, index) => expect(largestGap(found[index]!, logits)).toBeLessThan(tolerance * 10));
  });
});
