import { describe, expect, it } from 'vitest';
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { RunEvent, StepEvent } from '../../../src-shared/domain/run-events.ts';
import { formatBytes, formatDuration, formatFigure, formatTable } from '../../../src-main/cli/format.ts';
import { createReporter } from '../../../src-main/cli/reporter.ts';
import { followTraining } from '../../../src-main/cli/training-progress.ts';

function open({ json = false, isTTY = false, debug = false, columns = 200 } = {}) {
  const text = { out: '', err: '' };
  const stdout = { write: (part: string) => (text.out += part) };
  const stderr = { write: (part: string) => (text.err += part), isTTY, columns };
  return { text, reporter: createReporter({ json, stdout, stderr, debug }) };
}

const start: RunEvent = {
  event: 'start',
  run_dir: '/r',
  total_steps: 100,
  start_step: 0,
  trainable_parameters: 5,
  total_parameters: 1000,
  train_rows: 10,
  eval_rows: 2,
  supervised_tokens: 50,
  engine: 'TensorFlow',
};
const step = (number: number): StepEvent => ({
  event: 'step',
  step: number,
  loss: 1.23456,
  learning_rate: 1e-4,
  grad_norm: 1,
  tokens_per_second: 321.4,
  tokens: 10,
  memory_bytes: 1.5e9,
  epoch: 0.1,
  elapsed_ms: number * 1000,
});

describe('on a terminal', () => {
  it('redraws one line, with the time left, below what stays', () => {
    const { text, reporter } = open({ isTTY: true });
    const progress = followTraining(reporter);
    for (const event of [start, step(10), step(20)]) progress.take(event);
    expect(text.err.split('\r\u001b[K').at(-1)).toBe(
      '[=====                   ] 20/100  loss 1.235  321 tokens/s  1.5 GB  1m 20s left',
    );
    progress.take({ event: 'notice', step: 20, code: 'a/b', message: 'look' });
    expect(text.err).toMatch(/\r\u001b\[KNote: look\n\[=====/);
    reporter.result({}, 'done');
    expect(text.err.endsWith('\r\u001b[K')).toBe(true);
    expect(text.out).toBe('done\n');
  });

  it('shows no control character of a row or an answer', () => {
    const { text, reporter } = open();
    reporter.write('a\u001b[2Jb\tc\r\nd\re');
    reporter.note('row \u0000 é 😀');
    reporter.error(new AppError('a/b', 'bad \u009b31m row', { hint: '' }));
    expect(text.out).toBe('a\ufffd[2Jb\tc\nd\ufffde');
    expect(text.err).toBe('row \ufffd é 😀\nError: bad \ufffd31m row\n');
  });

  it('never lets that line wrap', () => {
    const { text, reporter } = open({ isTTY: true, columns: 20 });
    reporter.status('x'.repeat(100));
    expect(text.err).toBe(`\r\u001b[K${'x'.repeat(19)}`);
  });
});

describe('errors', () => {
  const fault = { file: 'rows.jsonl', line: 3, field: 'prompt', message: 'is missing', hint: 'add it' };
  const error = new AppError('data/bad', 'rows.jsonl: 1 bad row', { hint: 'Mend it.\nOr not.', faults: [fault] });

  it('are message, faults and hint, without a stack', () => {
    const { text, reporter } = open();
    reporter.error(error);
    expect(text.err).toBe(
      'Error: rows.jsonl: 1 bad row\n  - rows.jsonl:3: prompt: is missing (add it)\n  Mend it.\n  Or not.\n',
    );
  });

  it('are one line in --json', () => {
    const { text, reporter } = open({ json: true });
    reporter.error(error);
    reporter.error(new Interrupted('Stopped.'));
    reporter.error(new TypeError('x is undefined'));
    expect(
      text.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).code),
    ).toEqual(['data/bad', 'interrupted', 'internal/bug']);
    expect(text.err).toBe('');
  });

  it('that are bugs keep their stack for those who ask', () => {
    const { text, reporter } = open({ debug: true });
    reporter.error(new TypeError('x is undefined'));
    expect(text.err).toMatch(/TypeError: x is undefined\n\s+at /);
  });
});

it('formats sizes, times, figures and tables', () => {
  expect([900, 1.5e6, 2.34e9].map(formatBytes)).toEqual(['1 kB', '2 MB', '2.3 GB']);
  expect([0, 59_600, 3_720_000].map(formatDuration)).toEqual(['0s', '1m 00s', '1h 02m']);
  expect([null, 0, 12.34567, 0.00012345].map(formatFigure)).toEqual(['-', '0', '12.35', '1.23e-4']);
  expect(formatTable(['A', 'B'], [['long', 'x']])).toBe('A     B\nlong  x');
});
