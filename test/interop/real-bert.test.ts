/**
 * @file A real BERT (MiniLM-L6) learns the intents of the sample tickets from the command line, with the settings that are chosen for it:
 * held-out accuracy of at least 0.95, and within 2 points of PEFT's with the same settings.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { REPO_ROOT } from './support/cli.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { fetchRealBert } from './support/real-bert.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const LEAST_ACCURACY = 0.95;
const LARGEST_GAP = 0.02;
const folder = makeWorkFolder('real-bert');
const place = (name: string) => path.join(folder, name);

/** The texts that were said, and their intents. */
function writeRows(from: string, to: string): string {
  const lines = readFileSync(path.join(REPO_ROOT, 'resources/sample-data', from), 'utf8')
    .trim()
    .split('\n');
  const rows = lines.map((line) => {
    const { messages, label } = JSON.parse(line) as { messages: { role: string; content: string }[]; label: string };
    return JSON.stringify({ text: messages.find(({ role }) => role === 'user')!.content, label });
  });
  writeFileSync(place(to), `${rows.join('\n')}\n`);
  return place(to);
}

test(
  'learns the sample tickets as PEFT does',
  async () => {
    const model = fetchRealBert();
    const [train, heldOut] = [writeRows('train.jsonl', 'train.jsonl'), writeRows('test.jsonl', 'test.jsonl')];
    const args = ['train', '--model', model, '--data', train, '--eval', heldOut, '--output', place('run'), '--json'];
    const end = await runCliToEnd(args, { home: place('home'), main: REAL_MAIN });
    expect(end).toMatchObject({ code: 0, stderr: '' });
    const evals = end.lines().filter(({ event }) => event === 'eval') as unknown as {
      metrics: { accuracy: number };
    }[];
    const { accuracy } = evals.at(-1)!.metrics;
    expect(accuracy).toBeGreaterThanOrEqual(LEAST_ACCURACY);

    const { config } = JSON.parse(readFileSync(path.join(place('run'), 'run.json'), 'utf8')) as {
      config: { labels: string[]; peft: { r: number; lora_alpha: number; target_modules: string[] }; training: object };
    };
    const { r, lora_alpha, target_modules } = config.peft;
    const shared = { model, head_config: { num_labels: config.labels.length } };
    const adapter = place('peft');
    const [, theirs] = await runReference(folder, [
      {
        op: 'make_class_adapter',
        ...shared,
        folder: adapter,
        peft: { r, lora_alpha, target_modules },
        random_b: false,
      },
      {
        op: 'train_classifier',
        ...{ ...shared, adapter, rows: train, held_out: heldOut, training: config.training },
        ...{ labels: config.labels, problem_type: 'single_label_classification' },
      },
    ]);
    expect(Math.abs(accuracy - (theirs!['accuracy'] as number))).toBeLessThanOrEqual(LARGEST_GAP);
  },
  REFERENCE_TIMEOUT_MS,
);
