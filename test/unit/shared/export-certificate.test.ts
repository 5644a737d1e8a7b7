import { describe, expect, it } from 'vitest';
import { type BehaviourCheck, judgeExport } from '../../../src-shared/domain/export-certificate.ts';

const SAME: BehaviourCheck = {
  answers: [{ prompt: 'one?', original: 'two', written: 'two' }],
  positions: 10,
  same_choice: 1,
  largest_difference: 1e-5,
  score_spread: 2,
};
const judge = (changes: Partial<BehaviourCheck>) =>
  judgeExport({ checked_at: 1, files: [], behaviour: { ...SAME, ...changes }, unchecked: null });

describe('the verdict of a certificate', () => {
  it('is the same only where every choice and every answer is', () => {
    expect(judge({})).toBe('same');
    expect(judge({ same_choice: 0.9 })).toBe('close');
    expect(judge({ answers: [{ prompt: 'one?', original: 'two', written: 'three' }] })).toBe('close');
  });

  it('is different where most is, or where a score is no number', () => {
    expect(judge({ same_choice: 0.5 })).toBe('different');
    expect(judge({ largest_difference: null })).toBe('different');
  });

  it('is none where nothing was compared', () => {
    const unchecked = { code: 'engine/x', kind: 'environment' as const, message: 'm', hint: '', faults: [] };
    expect(judgeExport({ checked_at: 1, files: [], behaviour: null, unchecked })).toBe('unchecked');
  });
});
