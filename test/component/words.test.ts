/** @file The catalogue: nothing is without words, and they keep their manner. */
import { describe, expect, it } from 'vitest';
import { ADVANCED } from '../../src-renderer/state/wizard/advanced.ts';
import { CHECKS } from '../../src-renderer/state/wizard/checks.ts';
import { FORMATS, PRECISIONS } from '../../src-renderer/state/wizard/offers.ts';
import { explainFailure } from '../../src-renderer/words/errors.ts';
import { words } from '../../src-renderer/words/index.ts';
import { LR_SCHEDULERS, OPTIMIZERS } from '../../src-shared/schema/run-config.ts';

/** Every text, functions called with plausible values. */
function textsOf(value: unknown, place = 'words'): { place: string; text: string }[] {
  if (typeof value === 'string') return [{ place, text: value }];
  if (typeof value === 'function') {
    const call = value as (...values: unknown[]) => unknown;
    const given = call.length === 0 ? [] : Array.from({ length: call.length }, () => 3);
    try {
      return textsOf(call(...given), place);
    } catch {
      return textsOf(call(...given.map(String)), place);
    }
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => textsOf(part, `${place}.${name}`));
}

describe('the words', () => {
  const all = textsOf(words);

  it('are many, and none is empty but those that stand for nothing', () => {
    expect(all.length).toBeGreaterThan(400);
    expect(all.filter(({ text, place }) => text === '' && !place.endsWith('.unknown'))).toEqual([]);
  });

  it('do not shout', () => {
    expect(all.filter(({ text }) => text.includes('!'))).toEqual([]);
  });

  it('name every setting, choice and check', () => {
    const paths = Object.values(ADVANCED).flatMap((group) => group.map(({ section, name }) => `${section}.${name}`));
    expect(paths.filter((path) => !(path in words.fields))).toEqual([]);
    expect(CHECKS.filter((id) => !(id in words.checkStep.checks))).toEqual([]);
    expect(LR_SCHEDULERS.filter((name) => !(name in words.trainingStep.schedulers))).toEqual([]);
    expect(OPTIMIZERS.filter((name) => !(name in words.trainingStep.optimizers))).toEqual([]);
    expect(PRECISIONS.filter((name) => !(name in words.precisionStep.options))).toEqual([]);
    const parts = FORMATS.flatMap(({ fields }) => fields.map(({ name }) => name));
    expect(parts.filter((name) => !(name in words.data.mapping.parts))).toEqual([]);
  });

  it('give every hint as whole sentences', () => {
    const hints = Object.values(words.fields).map(({ hint }) => hint);
    expect(hints.filter((hint) => !/^[A-Z-].*\.$/s.test(hint))).toEqual([]);
  });
});

describe('a failure', () => {
  const plain = { kind: 'input' as const, message: 'row 3 is empty', faults: [] };

  it('is titled by its code, else by its area, else in general', () => {
    expect(explainFailure({ ...plain, code: 'disk/full', hint: 'h' }).title).toBe('The disk is full');
    expect(explainFailure({ ...plain, code: 'data/odd-thing', hint: 'h' }).title).toBe('The data needs a look');
    expect(explainFailure({ ...plain, code: 'unheard/of', hint: 'h' }).title).toBe('That did not work');
  });

  it('does not tell people in a window to type commands', () => {
    const failure = explainFailure({ ...plain, code: 'run/unknown', hint: '`tunesmith runs list` shows all runs.' });
    expect(failure.hint).not.toContain('tunesmith');
  });

  it('names the settings of a hint in plain words, and leaves out what only helps in a terminal', () => {
    const hint =
      'Need less: --set training.per_device_train_batch_size=1\nThe same settings go with `tunesmith resume`.';
    const failure = explainFailure({ ...plain, code: 'memory/exhausted', hint });
    expect(failure.hint).toBe('Need less: Examples at a time (batch size): 1.');
    const disk = 'Free some space on that disk. What was saved before is kept; a run goes on with `tunesmith resume`.';
    expect(explainFailure({ ...plain, code: 'disk/full', hint: disk }).hint).toBe(
      'Free some space on that disk. What was saved before is kept.',
    );
  });

  it('places each fault by file, row and field', () => {
    const faults = [{ file: '/data/in/rows.csv', line: 7, field: 'answer', message: 'is empty' }];
    const [fault] = explainFailure({ ...plain, code: 'data/bad-rows', hint: '', faults }).faults;
    expect(fault).toMatchObject({ place: 'rows.csv, row 7, answer', message: 'is empty' });
  });
});
