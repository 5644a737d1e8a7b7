/**
 * @file Each rung of the ladder changes one thing against the rung it is compared with, and the table shows that change.
 */
import { describe, expect, it } from 'vitest';
import { LADDER_TEXT } from '../../bench/ladder/report.ts';
import { type Rung, RUNGS } from '../../bench/ladder/rungs.ts';

const changesOf = ({ settings }: Rung, before: Rung): string[] =>
  Object.entries(before.settings)
    .filter(([name, value]) => JSON.stringify(settings[name as keyof typeof settings]) !== JSON.stringify(value))
    .map(([name]) => name);

describe('the ladder', () => {
  it('changes one setting a rung', () => {
    const cumulative = RUNGS.filter(({ name }) => name.startsWith('+'));
    expect(cumulative.length).toBeGreaterThan(4);
    for (const rung of cumulative) {
      const before = RUNGS.find(({ name }) => name === rung.against)!;
      expect(changesOf(rung, before), rung.name).toHaveLength(1);
    }
  });

  it('compares what stands apart with the whole ladder', () => {
    const apart = RUNGS.filter(({ name }) => !name.startsWith('+') && name !== RUNGS[0]!.name);
    const top = RUNGS.filter(({ name }) => name.startsWith('+')).at(-1)!;
    expect(apart.length).toBeGreaterThan(4);
    for (const rung of apart) {
      expect(rung.against, rung.name).toBe(top.name);
      expect(changesOf(rung, top).length, rung.name).toBeGreaterThan(0);
    }
  });

  it('leaves no choice of fusing to the product: a rung says what it measured', () => {
    const fused = RUNGS.filter(({ settings }) => settings.fused);
    expect(RUNGS.filter(({ settings }) => settings.fused === null)).toEqual([]);
    expect(fused[0]).toMatchObject({
      name: '+ fused chains',
      against: '+ packed rows',
      settings: { mode: 'compiled' },
    });
    expect(fused.length).toBe(RUNGS.length - RUNGS.indexOf(fused[0]!));
  });

  it('shows changes against the rung before, none against one that failed', () => {
    const rung = (name: string, against: string | null, tokensPerSecond: number) => {
      return { name, against, tokensPerSecond, labelsPerSecond: 1, peakBytes: tokensPerSecond * 1e7, steps: 4 };
    };
    const rungs = [
      rung('a', null, 100),
      rung('b', 'a', 127),
      { name: 'c', against: 'b', fault: 'ended' },
      rung('d', 'c', 9),
    ];
    const text = LADDER_TEXT.formatFigures({ model: 'tiny', paddedRows: 1, packedRows: 1, rungs });
    expect(text).toContain('| b | 127 | +27 % | 1.27 | +27 % |');
    expect(text).toContain('| c | ended |');
    expect(text).toContain('| d | 9 |  | 0.09 |  |');
  });
});
