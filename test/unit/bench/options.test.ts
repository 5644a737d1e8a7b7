/**
 * @file What the bench's command line runs, and what it refuses to write down.
 */
import { describe, expect, it } from 'vitest';
import { PART_NAMES, readOptions } from '../../bench/options.ts';

describe('the command line of the bench', () => {
  it('runs all parts and writes them down where nothing else is said', () => {
    expect(readOptions([])).toMatchObject({ parts: PART_NAMES, rounds: null, model: null, busy: false, writes: true });
  });

  it('writes nothing that is partial or was measured beside other work', () => {
    for (const flag of ['--quick', '--busy']) expect(readOptions(['training', flag]).writes).toBe(false);
    expect(readOptions(['training', '--arms', 'NF4'])).toMatchObject({ arms: 'nf4', writes: false });
    expect(readOptions(['training', '--workload', '4x256', '--workload', '16x64'])).toMatchObject({
      workloads: ['4x256', '16x64'],
      writes: true,
    });
  });

  it('names what it does not know', () => {
    expect(() => readOptions(['trainig'])).toThrow('no part "trainig"; there are training');
    expect(() => readOptions(['--rounds', '0'])).toThrow('--rounds 0: expected a whole number above 0');
    expect(() => readOptions(['--steps', 'many'])).toThrow('--steps many');
  });
});
