/**
 * @file Token accuracy of a language model on the real way: in the evaluations of a run, as what the best checkpoint is chosen by, and
 * the same again from `evaluate`.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Line, REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let folder = '';
const place = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-token-accuracy-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(40));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(args: readonly string[]): Promise<Line[]> {
  const end = await runCliToEnd([...args, '--json'], { home: place('home'), main: REAL_MAIN });
  expect(end.stderr).toBe('');
  expect(end.code).toBe(0);
  return end.lines();
}

const accuracyOf = (line: Line): number => (line.metrics as Record<string, number>).mean_token_accuracy!;

it('rises while the model learns, chooses the best checkpoint, and is what evaluate says', async () => {
  const settings = {
    'data.eval': JSON.stringify([place('rows.jsonl')]),
    'peft.r': 16,
    'training.max_steps': 60,
    'training.eval_steps': 12,
    'training.learning_rate': 0.02,
    'training.metric_for_best_model': 'eval_mean_token_accuracy',
  };
  const lines = await run([
    ...['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place('run')],
    ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
  ]);
  const evals = lines.filter(({ event }) => event === 'eval');
  const accuracies = evals.map(accuracyOf);
  expect(evals).toHaveLength(5);
  expect(Math.max(...accuracies)).toBeGreaterThan(accuracies[0]!);
  let best = -1;
  for (const [index, accuracy] of accuracies.entries()) {
    expect(evals[index]!.best).toBe(accuracy > best);
    best = Math.max(best, accuracy);
  }
  const evaluated = await run([
    ...['evaluate', '--model', place('model'), '--adapter', path.join(place('run'), 'adapter')],
    ...['--data', place('rows.jsonl')],
  ]);
  expect(accuracyOf(evaluated.at(-1)!)).toBeCloseTo(best, 6);
}, 300_000);

it('is refused by a name that is not measured', async () => {
  const args = ['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place('refused')];
  const end = await runCliToEnd([...args, '--set', 'training.metric_for_best_model=eval_bleu', '--json'], {
    home: place('home'),
    main: REAL_MAIN,
  });
  expect(end.code).toBe(2);
  expect(end.lines().at(-1)!.message).toMatch(/"eval_bleu" is not measured; choose from .*mean_token_accuracy/);
}, 120_000);

it('needs no tokenizer for rows of token ids', async () => {
  const isTokenizer = (file: string) => path.basename(file).startsWith('tokenizer');
  cpSync(place('model'), place('bare'), { recursive: true, filter: (file) => !isTokenizer(file) });
  const row = { input_ids: [5, 6, 7, 8, 9], labels: [-100, -100, 7, 8, 9] };
  writeFileSync(place('ids.jsonl'), `${JSON.stringify(row)}\n`);
  const lines = await run([
    ...['evaluate', '--model', place('bare'), '--data', place('ids.jsonl'), '--format', 'tokens'],
  ]);
  expect(lines.at(-1)).toMatchObject({ event: 'result', tokens: 3 });
}, 60_000);
