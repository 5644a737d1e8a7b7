/** @file The catalogue: nothing is without words, and they keep their manner. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADVANCED } from '../../src-renderer/state/wizard/advanced.ts';
import { CHECKS } from '../../src-renderer/state/wizard/checks.ts';
import { FORMATS, PRECISIONS } from '../../src-renderer/state/wizard/offers.ts';
import { explainFailure } from '../../src-renderer/words/errors.ts';
import { words } from '../../src-renderer/words/index.ts';
import { noticeText } from '../../src-renderer/words/notices.ts';
import { isKnownPhase, phaseText } from '../../src-renderer/words/phases.ts';
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

describe('what core says of itself', () => {
  it('is told without commands, settings in plain words', () => {
    const tight =
      'The run may need 9.1 GB of memory; 4.0 GB are free. It would need 3.2 GB with --set training.per_device_train_batch_size=1 --set quantization.method=nf4';
    expect(noticeText({ code: 'memory/tight', message: tight })).toBe(
      'The run may need 9.1 GB of memory; 4.0 GB are free. It would need 3.2 GB with Examples at a time (batch size): 1, How the base model is stored: 4 bits (NF4).',
    );
    const message = 'It was cut off. Go on with it: tunesmith resume abc';
    expect(noticeText({ code: 'some/notice', message })).toBe('It was cut off.');
  });

  it('is a sentence of the catalogue, made of the facts that come with it', () => {
    const facts = {
      ...{ peak_bytes: 9.1e9, available_bytes: 4e9, limit: 'machine', fit_bytes: 3.2e9 },
      fit_settings: '--set training.per_device_train_batch_size=1 --set quantization.method=nf4',
    };
    expect(noticeText({ code: 'memory/tight', message: 'English', values: facts })).toBe(
      'It may need 9.1 GB of memory; 4 GB are free. It would need 3.2 GB with Examples at a time (batch size): 1, How the base model is stored: 4 bits (NF4).',
    );
    const rare = { names: ['a', 'b'], more: 3, all: 40 };
    expect(noticeText({ code: 'data/rare-classes', message: 'English', values: rare })).toBe(
      '5 classes occur in one row only, of 40 in all: “a”, “b” and 3 more.',
    );
    const cutOff = { name: 'Polite answers', step: 1200 };
    expect(noticeText({ code: 'run/interrupted', message: 'English', values: cutOff })).toBe(
      '“Polite answers” was cut off at step 1,200.',
    );
    const head = { stored: 1, classes: null };
    expect(noticeText({ code: 'model/fresh-head', message: 'English', values: head })).toMatch(
      /^The model sorts texts into 1 class, so it gets a new part for your numbers\./,
    );
  });

  it('has a sentence for every notice, and takes what earlier releases wrote as they said it', () => {
    const places = readdirSync(path.resolve(import.meta.dirname, '../../src-main'), {
      recursive: true,
      encoding: 'utf8',
    });
    const told = places
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [
        ...readFileSync(path.resolve(import.meta.dirname, '../../src-main', name), 'utf8').matchAll(
          /event: 'notice', step[^}]*code: '|onNotice\(\{ code:|notices\.add\(\{ code: '/g,
        ),
      ]);
    // All go through `makeNotice`, whose codes the compiler looks for in the catalogue.
    expect(told).toEqual([]);
    const old = { code: 'data/rare-classes', message: '2 of 3 classes occur in one row only ("a")' };
    expect(noticeText(old)).toBe('2 of 3 classes occur in one row only ("a").');
    expect(noticeText({ code: 'checkpoint/none', message: 'There is no checkpoint yet' })).toMatch(/^There was no/);
    expect(noticeText({ code: 'of/tomorrow', message: 'new', values: { a: 1 } })).toBe('New.');
  });

  it('is in the catalogue, whatever every job says it is doing', () => {
    const engine = path.resolve(import.meta.dirname, '../../src-main');
    const said = readdirSync(engine, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/^(cli|transport)/.test(name))
      .flatMap((name) => [
        ...readFileSync(path.join(engine, name), 'utf8').matchAll(
          /(?:phase: |\b(?:say|tell)\((?:host, )?)'([A-Z][^']+)'/g,
        ),
      ])
      .map(([, phase = '']) => phase);
    expect(said.length).toBeGreaterThan(10);
    expect(said.filter((phase) => !isKnownPhase(phase))).toEqual([]);
    expect(phaseText('12,345 rows read')).toBe('12,345 rows read');
    expect(phaseText('Measuring nf4')).toBe('Measuring NF4');
    expect(phaseText('')).toBe('');
  });
});
