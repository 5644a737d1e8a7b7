/** @file What fusing and rows of many shapes change in the estimate of a run's memory. */
import { describe, expect, it } from 'vitest';
import { estimateMemory, type MemoryNeed } from '../../../src-shared/domain/estimate-memory.ts';

const BATCH = { batch: 4, rowTokens: 256, labels: 1024, chunks: 4, isVaried: false };

/** SmolLM2-135M in bf16 with LoRA. */
const NEED: MemoryNeed = {
  facts: { vocabSize: 49_152, hiddenSize: 576, layers: 30, heads: 9, kvHeads: 3, headDim: 64, mlpWidth: 3 * 1536 },
  weightBytes: 269e6,
  keptBytes: 0,
  expandedValues: 0,
  trainedValues: 2.4e6,
  trainedWeights: 0,
  optim: 'adamw',
  compute: 'bfloat16',
  checkpointing: false,
  training: BATCH,
  adapterWidth: 0,
  evaluation: null,
};

/** Bytes that fusing adds to the peak; negative where it takes less. */
function fusingAdds(changes: Partial<MemoryNeed>): number {
  const [fused, plain] = [true, false].map((isFused) => estimateMemory({ ...NEED, ...changes, isFused }).peak_bytes);
  return fused! - plain!;
}

describe('fused steps', () => {
  it('take less where there are many tokens, the more of them the less', () => {
    const adds = [4, 8, 16].map((batch) => fusingAdds({ training: { ...BATCH, batch } }));
    expect(adds[0]).toBeLessThan(0);
    expect(adds[1]! - adds[0]!).toBeLessThan(0);
    expect((adds[2]! - adds[1]!) / (adds[1]! - adds[0]!)).toBeCloseTo(2, 6);
  });

  it('take more where there are few: their kernels need memory, and those for rows of many sizes more', () => {
    const training = { ...BATCH, batch: 1, rowTokens: 16, labels: 16, chunks: 1 };
    const once = fusingAdds({ training });
    expect(once).toBeGreaterThan(0);
    const more = [11, 21].map((sizes) => fusingAdds({ training: { ...training, shapes: { sizes, labels: 1 } } }));
    expect(more[0]!).toBeGreaterThan(once);
    expect(more[1]! - more[0]!).toBeCloseTo(more[0]! - once, 0);
  });

  it('save less where blocks are computed anew: only the one at work', () => {
    const saved = fusingAdds({ training: { ...BATCH, batch: 16 } });
    expect(saved).toBeLessThan(fusingAdds({ training: { ...BATCH, batch: 16 }, checkpointing: true }));
  });

  it('change nothing of evaluations and answers, which are never fused', () => {
    const evaluation = { ...BATCH, batch: 64, answers: { rows: 3, promptTokens: 128, newTokens: 64 } };
    const [fused, plain] = [true, false].map((isFused) => estimateMemory({ ...NEED, evaluation, isFused }));
    expect(fused!.evaluation_bytes).toBe(plain!.evaluation_bytes);
    expect(fused!.answer_cache_bytes).toBe(plain!.answer_cache_bytes);
  });

  it('are not meant where nothing is said', () => {
    expect(estimateMemory(NEED)).toEqual(estimateMemory({ ...NEED, isFused: false }));
  });
});

describe('batches of many shapes', () => {
  const peakOf = (training: Partial<MemoryNeed['training']>) =>
    estimateMemory({ ...NEED, training: { ...BATCH, isVaried: true, ...training } }).peak_bytes;
  const shaped = (sizes: number, labels: number) => peakOf({ shapes: { sizes, labels } });

  it('take more with each size and each number of labels, up to what was measured', () => {
    expect(shaped(20, 20) - shaped(10, 20)).toBe(shaped(30, 20) - shaped(20, 20));
    expect(shaped(20, 20)).toBeGreaterThan(shaped(10, 20));
    expect(shaped(20, 40)).toBeGreaterThan(shaped(20, 20));
    expect(shaped(1e6, 1e6)).toBe(shaped(1e3, 1e3));
  });

  it('are counted for evaluations too where steps fuse, and so have other sizes', () => {
    const answers = { rows: 3, promptTokens: 128, newTokens: 64 };
    const adds = (isFused: boolean) => {
      const [few, many] = [5, 50].map((sizes) => {
        const evaluation = { ...BATCH, isVaried: true, shapes: { sizes, labels: 60 }, answers };
        return estimateMemory({ ...NEED, isFused, evaluation }).peak_bytes;
      });
      return many! - few!;
    };
    expect(adds(true)).toBeGreaterThan(0);
    expect(adds(false)).toBe(0);
  });

  it('are taken for those of a short run where they are not known', () => {
    expect(peakOf({})).toBeGreaterThan(shaped(1, 1));
    expect(peakOf({})).toBeLessThan(shaped(60, 200));
    expect(peakOf({ isVaried: false, shapes: { sizes: 60, labels: 200 } })).toBe(peakOf({ isVaried: false }));
  });
});
