/**
 * @file Bad input on the real way from the shell to the engine: exit code 2, a message that names the place and what to do, and
 * nothing left behind.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliEnd, REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let folder = '';
const place = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-bad-input-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(40));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(
  more: readonly string[],
  { model = 'model', data = 'rows.jsonl', output = 'run' } = {},
): Promise<CliEnd> {
  const args = ['train', '--model', place(model), '--data', place(data), '--output', place(output), '--json', ...more];
  return runCliToEnd(args, { home: place('home'), main: REAL_MAIN });
}

/** @returns the text of the error and all its faults */
function expectRefused(end: CliEnd, output = 'run'): string {
  expect(end).toMatchObject({ code: 2 });
  const last = end.lines().at(-1);
  expect(last).toMatchObject({ event: 'error', kind: 'input' });
  expect(String(last?.hint).length).toBeGreaterThan(0);
  expect(existsSync(place(output))).toBe(false);
  return JSON.stringify(last);
}

/** The last four bytes of a file of f32 weights become NaN. */
function spoilLastValue(file: string): void {
  const bytes = readFileSync(file);
  bytes.writeFloatLE(NaN, bytes.length - 4);
  writeFileSync(file, bytes);
}

describe('data', () => {
  const ROW = '{"prompt": "hello", "completion": "world"}\n';
  it.each([
    ['two broken JSON lines', `${ROW}{"prompt": \n${ROW}nonsense\n`, [/"line":2/, /"line":4/]],
    ['wrong column names', '{"frage": "a", "antwort": "b"}\n', [/frage/, /antwort/]],
    ['an empty file', '', [/bad\.jsonl/, /empty/]],
    ['bytes that are no UTF-8', Buffer.concat([Buffer.from(ROW), Buffer.from([0x7b, 0xff, 0xfe, 0x0a])]), [/UTF-8/]],
    ['a binary', Buffer.from(Array.from({ length: 4000 }, (_, index) => (index * 7) % 256)), [/bad\.jsonl/]],
    [
      'token ids outside the vocabulary',
      '{"input_ids": [1, 2, 3]}\n{"input_ids": [1, 99999]}\n',
      [/99999/, /"line":2/],
    ],
    ['no supervised token', '{"input_ids": [1, 2], "labels": [-100, -100]}\n', [/supervised|trained/]],
  ])('%s', async (_what, content, patterns) => {
    writeFileSync(place('bad.jsonl'), content);
    const text = expectRefused(await train([], { data: 'bad.jsonl' }));
    for (const pattern of patterns) expect(text).toMatch(pattern);
  });

  it('a missing file', async () => {
    expect(expectRefused(await train([], { data: 'no-such.jsonl' }))).toContain('no-such.jsonl');
  });
});

describe('model', () => {
  /** @param leavesRun it only shows once the run is at work */
  async function withModel(change: (dir: string) => void, { leavesRun = false } = {}): Promise<string> {
    const name = 'bad-model';
    rmSync(place(name), { recursive: true, force: true });
    cpSync(place('model'), place(name), { recursive: true });
    change(place(name));
    const end = await train([], { model: name });
    if (leavesRun) rmSync(place('run'), { recursive: true });
    return expectRefused(end);
  }
  const editConfig = (dir: string, changes: object) => {
    const file = path.join(dir, 'config.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));
  };

  it('a folder that is not there', async () => {
    expect(expectRefused(await train([], { model: 'no-such-model' }))).toContain('no-such-model');
  });

  it('weights missing', async () => {
    expect(await withModel((dir) => rmSync(path.join(dir, 'model.safetensors')))).toContain('safetensors');
  });

  it('weights truncated', async () => {
    expect(await withModel((dir) => truncateSync(path.join(dir, 'model.safetensors'), 9000))).toMatch(
      /model\.safetensors/,
    );
  });

  it('a header longer than its file', async () => {
    const text = await withModel((dir) => {
      const header = Buffer.alloc(16);
      header.writeBigUInt64LE(10n ** 12n);
      writeFileSync(path.join(dir, 'model.safetensors'), header);
    });
    expect(text).toMatch(/model\.safetensors/);
  });

  it('a model_type that nobody knows', async () => {
    expect(await withModel((dir) => editConfig(dir, { model_type: 'hexagon' }))).toContain('hexagon');
  });

  it('several impossible values at once', async () => {
    const text = await withModel((dir) => editConfig(dir, { num_key_value_heads: 3, hidden_act: 'magic' }));
    expect(text).toMatch(/num_key_value_heads/);
    expect(text).toMatch(/hidden_act/);
  });

  it('a weight that is no number', async () => {
    const text = await withModel((dir) => spoilLastValue(path.join(dir, 'model.safetensors')), { leavesRun: true });
    expect(text).toMatch(/model\/not-finite.*"field":"[a-z_.0-9]+weight"/);
  });

  it('a tokenizer with tokens that the model does not have', async () => {
    const text = await withModel((dir) => {
      const file = path.join(dir, 'tokenizer.json');
      const tokenizer = JSON.parse(readFileSync(file, 'utf8'));
      const beyond = Object.keys(tokenizer.model.vocab).length;
      tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: beyond, content: 'e', special: false });
      writeFileSync(file, JSON.stringify(tokenizer));
    });
    expect(text).toMatch(/tokenizer\/beyond-model/);
    expect(text).toMatch(/"line":1/);
  });

  it('no tokenizer', async () => {
    expect(await withModel((dir) => rmSync(path.join(dir, 'tokenizer.json')))).toContain('tokenizer.json');
  });
});

describe('questions', () => {
  it('one that is longer than the model reads is refused, and the command ends', async () => {
    const end = await runCliToEnd(['generate', '--model', place('model'), '--prompt', 'a b '.repeat(200), '--json'], {
      home: place('home'),
      main: REAL_MAIN,
    });
    expect(end.code).toBe(2);
    expect(end.lines().at(-1)).toMatchObject({ event: 'error', code: 'generate/too-long' });
  });
});

describe('settings', () => {
  it('a pattern that matches no module', async () => {
    expect(expectRefused(await train(['--set', 'peft.target_modules=.*nothing']))).toContain('target_modules');
  });

  it('4-bit weights where all of them are trained', async () => {
    const text = expectRefused(await train(['--set', 'quantization.method=nf4', '--set', 'peft.peft_type=NONE']));
    expect(text).toMatch(/"field":"quantization\.method"/);
  });

  it('what only a classifier has, for a model that writes', async () => {
    const settings = ['labels=["a", "b"]', 'problem_type=regression'];
    const text = expectRefused(await train(settings.flatMap((setting) => ['--set', setting])));
    expect(text).toMatch(/"field":"problem_type"/);
    expect(text).toMatch(/"field":"labels"/);
  });

  it('a rank of 0 and an unknown key, together', async () => {
    const text = expectRefused(await train(['--set', 'peft.r=0', '--set', 'training.learnrate=1']));
    expect(text).toMatch(/peft\.r/);
    expect(text).toMatch(/training\.learnrate/);
  });
});

describe('output', () => {
  it('a place where nothing can be made', async () => {
    writeFileSync(place('a-file'), '');
    expect(expectRefused(await train([], { output: 'a-file/run' }), 'a-file/run')).toContain('a-file');
  });

  it('a disk that cannot hold the run', async () => {
    // More checkpoints than any disk holds: a small disk of its own would need root.
    const end = await train(['--set', 'training.save_total_limit=1000000000000']);
    expect(end.code).toBe(3);
    const refusal = { event: 'error', kind: 'environment', message: expect.stringMatching(/disk space/) };
    expect(end.lines().at(-1)).toMatchObject(refusal);
    expect(existsSync(place('run'))).toBe(false);
  });
});
