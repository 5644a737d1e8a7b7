/**
 * @file Classifiers on the real way from the shell to the engine: a head is made for the classes of the data, trained, resumed exactly,
 * used, merged; and what cannot be classified is refused.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../../src-main/engine/formats/safetensors.ts';
import { type CliEnd, type Line, REAL_MAIN, runCliToEnd, startCli } from '../unit/cli/support/run-cli.ts';
import { writeTinyModel } from './support/tiny-model.ts';

const CLASSES = ['été', 'Herbst 🍂', 'winter, cold'];
let folder = '';
const place = (name: string) => path.join(folder, name);
const cli = (args: readonly string[]): Promise<CliEnd> => runCliToEnd(args, { home: place('home'), main: REAL_MAIN });

/** The first letter says the class. */
function rows(count: number, labelOf: (index: number) => unknown): string {
  const words = ['aaa', 'hhh', 'www'];
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ text: `${words[index % 3]} ${index}`, label: labelOf(index) }),
  )
    .map((line) => `${line}\n`)
    .join('');
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-classifier-'));
  await writeTinyModel(place('model'));
  writeFileSync(
    place('rows.jsonl'),
    rows(60, (index) => CLASSES[index % 3]),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(output: string, settings: Readonly<Record<string, unknown>> = {}, data = 'rows.jsonl'): string[] {
  const all = { 'training.learning_rate': 0.01, 'training.num_train_epochs': 6, ...settings };
  return [
    ...['train', '--model', place('model'), '--data', place(data), '--output', place(output), '--json'],
    ...Object.entries(all).flatMap(([name, value]) => ['--set', `${name}=${JSON.stringify(value)}`]),
  ];
}

async function succeed(args: readonly string[]): Promise<Line[]> {
  const end = await cli(args);
  expect(end.stderr).toBe('');
  expect(end.code).toBe(0);
  return end.lines();
}

const adapter = (name: string) => readFileSync(path.join(place(name), 'adapter', 'adapter_model.safetensors'));
const evals = (lines: readonly Line[]) => lines.filter(({ event }) => event === 'eval');

describe('a decoder with a head for the classes of the data', () => {
  it('learns them, and is a classifier wherever it is used', async () => {
    const lines = await succeed(train('run', { 'training.metric_for_best_model': 'accuracy' }));
    expect(lines).toContainEqual(
      expect.objectContaining({
        ...{ event: 'notice', code: 'model/fresh-head' },
        message: expect.stringContaining('the model has no classification head yet, so a new one for your 3 classes'),
      }),
    );
    const last = evals(lines).at(-1) as unknown as { perplexity: number | null; metrics: Record<string, number> };
    expect(last.perplexity).toBeNull();
    expect(last.metrics['accuracy']).toBe(1);
    const { config } = JSON.parse(readFileSync(path.join(place('run'), 'run.json'), 'utf8')) as {
      config: Record<string, unknown>;
    };
    expect(config).toMatchObject({
      task_type: 'SEQ_CLS',
      problem_type: 'single_label_classification',
      labels: [...CLASSES].sort(),
      data: { packing: false },
      peft: { modules_to_save: ['score'] },
    });
    const source = ['--model', place('model'), '--adapter', path.join(place('run'), 'adapter'), '--json'];
    const told = (await succeed(['generate', ...source, '--prompt', 'hhh 3'])).at(-1)!;
    expect(told).toMatchObject({ text: 'Herbst 🍂', stop_reason: 'classified', tokens: 0 });
    const probabilities = (told['classes'] as { label: string; probability: number }[]).map((one) => one.probability);
    expect(probabilities).toHaveLength(3);
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
    const result = (await succeed(['evaluate', ...source, '--data', place('rows.jsonl'), '--exact-match'])).at(-1)!;
    expect(result).toMatchObject({ rows: 60, perplexity: null, metrics: { accuracy: 1, f1: 1, exact_match: 1 } });

    const people = await cli(['generate', ...source.slice(0, 4), '--prompt', 'hhh 3']);
    expect(people.stdout).toBe('Herbst 🍂\n');
    expect(people.stderr).toMatch(/Class +Probability\nHerbst 🍂 +\d+\.\d %\n/);
    writeFileSync(place('one-class.csv'), `text,label\nwww 1,"winter, cold"\nwww 2,"Winter, cold"\n`);
    const one = await cli(['evaluate', ...source.slice(0, 4), '--data', place('one-class.csv')]);
    expect(one.stdout).toMatch(/^Loss .*\nAccuracy +1\nF1, mean of the classes \(macro\) +1\n/);

    await succeed(['merge', ...source, '--output', place('merged')]);
    const merged = JSON.parse(readFileSync(path.join(place('merged'), 'config.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(merged).toMatchObject({
      architectures: ['LlamaForSequenceClassification'],
      id2label: Object.fromEntries([...CLASSES].sort().map((name, id) => [String(id), name])),
    });
    const logits = async (more: readonly string[], out: string): Promise<number[]> => {
      await succeed(['logits', ...more, '--text', 'www 7', '--out', place(out), '--json']);
      const file = await openSafetensors(place(out));
      expect(file.entries().get('logits')?.shape).toEqual([1, 3]);
      const bytes = await file.read('logits');
      await file.close();
      return [...new Float32Array(bytes.buffer, bytes.byteOffset, 3)];
    };
    const [adapted, whole] = [await logits(source.slice(0, 4), 'a'), await logits(['--model', place('merged')], 'b')];
    adapted.forEach((value, index) => expect(whole[index]).toBeCloseTo(value, 4));
  }, 300_000);

  it('resumes to the same bytes, head and all', async () => {
    const settings = {
      'training.num_train_epochs': 2,
      'peft.lora_dropout': 0.1,
      'training.per_device_train_batch_size': 4,
    };
    await succeed(train('straight', settings));
    const cut = startCli([...train('cut', settings), '--set', 'training.save_steps=1'], {
      home: place('home'),
      main: REAL_MAIN,
    });
    await cut.waitFor('"step":15,');
    cut.child.kill('SIGKILL');
    await cut.end;
    await succeed(['resume', place('cut'), '--json']);
    expect(adapter('cut').equals(adapter('straight'))).toBe(true);
  }, 300_000);

  it('tells several classes a row, and numbers', async () => {
    writeFileSync(
      place('several.jsonl'),
      rows(60, (index) => [CLASSES[index % 3], ...(index % 2 === 0 ? ['even'] : [])]),
    );
    const several = evals(await succeed(train('several', {}, 'several.jsonl'))).at(-1)!;
    expect(Object.keys(several['metrics'] as object)).toEqual(['accuracy', 'f1', 'f1_weighted']);
    writeFileSync(
      place('numbers.jsonl'),
      rows(60, (index) => (index % 3) + 0.5),
    );
    const numbers = evals(await succeed(train('numbers', {}, 'numbers.jsonl')));
    const { metrics } = numbers.at(-1) as unknown as { metrics: Record<string, number> };
    expect(Object.keys(metrics)).toEqual(['mse', 'mae', 'r']);
    expect(metrics['r']).toBeGreaterThan(0.9);
  }, 300_000);

  it('that are other ones than a classifier has take their place, and the head is new where they are more', async () => {
    const noticesOf = (lines: readonly Line[]) => lines.filter(({ event }) => event === 'notice');
    const first = await succeed(train('first', { 'peft.peft_type': 'NONE', 'training.num_train_epochs': 1 }));
    const classifier = String(first.at(-1)!['adapter_dir']);
    const again = async (name: string, labels: readonly string[]) => {
      writeFileSync(
        place(`${name}.jsonl`),
        rows(60, (index) => labels[index % labels.length]),
      );
      const args = train(name, { 'training.num_train_epochs': 1 }, `${name}.jsonl`);
      return noticesOf(await succeed(args.map((arg) => (arg === place('model') ? classifier : arg))));
    };
    expect((await again('as-many', ['a', 'b', 'c'])).map(({ code }) => code)).toEqual(['data/other-classes']);
    const more = await again('more', ['a', 'b', 'c', 'd']);
    expect(more.map(({ code }) => code)).toEqual(['data/other-classes', 'model/fresh-head']);
    expect(more[1]!.message).toContain('classification head is for 3 classes, so a new one for your 4 classes');
    expect((await again('same', CLASSES)).map(({ code }) => code)).toEqual([]);
  }, 300_000);

  it('is trained whole with all its weights, and stored as a model of its own', async () => {
    const lines = await succeed(train('whole', { 'peft.peft_type': 'NONE', 'training.num_train_epochs': 1 }));
    const dir = String(lines.at(-1)!['adapter_dir']);
    const config = JSON.parse(readFileSync(path.join(dir, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({ architectures: ['LlamaForSequenceClassification'] });
    const told = (await succeed(['generate', '--model', dir, '--prompt', 'aaa 1', '--json'])).at(-1)!;
    expect(told['classes']).toHaveLength(3);
  }, 300_000);
});

describe('what cannot be classified', () => {
  it.each([
    ['one class only', () => 'same', {}, /all 60 training rows have the label \\"same\\"/],
    [
      'a label that is none of those given',
      (index: number) => CLASSES[index % 3],
      { labels: ['été', 'x'] },
      /winter, cold/,
    ],
    ['missing labels', (index: number) => (index % 7 === 0 ? null : CLASSES[index % 2]), {}, /"line":8/],
    ['packing', (index: number) => CLASSES[index % 3], { 'data.packing': true }, /data\.packing/],
    [
      'a figure that is not measured',
      (index: number) => CLASSES[index % 3],
      { 'training.metric_for_best_model': 'mse' },
      /f1_weighted/,
    ],
    [
      'words where numbers are wanted',
      (index: number) => CLASSES[index % 3],
      { problem_type: 'regression' },
      /a number is expected/,
    ],
  ])('%s', async (_what, labelOf, settings, pattern) => {
    writeFileSync(place('bad.jsonl'), rows(60, labelOf));
    const end = await cli(train('refused', settings, 'bad.jsonl'));
    expect(end.code).toBe(2);
    expect(JSON.stringify(end.lines().at(-1))).toMatch(pattern);
  });
});
