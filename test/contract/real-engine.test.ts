/**
 * @file The window's journey with the real engine: plan, learn, chat with base and tuned model, export. Everything else here runs on
 * fake recipes.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from '../../src-shared/contract/client.ts';
import type { ChatAnswered } from '../../src-shared/contract/chat-methods.ts';
import { judgeExport } from '../../src-shared/domain/export-certificate.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { type OpenBrowser, until } from './support/open-contract.ts';
import { openTinyHome, type TinyHome } from './support/tiny-home.ts';

let opened: TinyHome;
let home = '';
let browser: OpenBrowser;
let client: Client;

beforeAll(async () => {
  opened = await openTinyHome();
  ({ home, browser } = opened);
  client = browser.client;
});
afterAll(() => opened.close());

const config = (): RunConfig => opened.config;

/** Learns enough for its adapter to be seen. */
const STRONG = { max_steps: 40, learning_rate: 0.02 };

async function answer(chat: string): Promise<ChatAnswered> {
  const answered: ChatAnswered[] = [];
  const stop = client.on('chat:answered', (one) => answered.push(one));
  const input = { messages: [{ role: 'user', content: '3?' }] };
  const asked = await client.call('chat:generate', { chat, input, max_new_tokens: 8 });
  const found = await until(() => answered.find((one) => one.answer === asked.answer) ?? null, 60_000);
  stop();
  return found;
}

it('plans, learns, answers with base and tuned model, and exports', async () => {
  const listed = await client.call('models:import', { path: path.join(home, 'tiny'), name: 'Tiny' });
  expect(await client.call('models:describe', { path: listed.path })).toMatchObject({ name: 'Tiny', supported: true });
  const looked = await client.call('data:inspect', { train: [path.join(home, 'rows.jsonl')], model: listed.path });
  const report = await client.follow(looked);
  expect(report.tokens?.rows_with_stop_token).toBe(30);

  const plan = await client.follow(await client.call('config:plan', { config: config() }));
  const { run } = await client.call('runs:start', { config: config() });
  const details = await until(async () => {
    const now = await client.call('runs:get', { run });
    return now.run.state === 'finished' ? now : null;
  }, 60_000);
  expect(details.run).toMatchObject({ total_steps: plan.total_steps, trainable_parameters: plan.trainable_parameters });
  expect(details.config).toMatchObject({ peft: { r: 4, peft_type: 'LORA' } });
  expect(details.checkpoints.length).toBeGreaterThan(0);

  const base = await client.call('chat:open', { model: listed.path });
  const tuned = await client.call('chat:open', { tuned: { run } });
  expect(await answer(base.chat)).toMatchObject({
    outcome: { ok: true, value: { prompt_tokens: expect.any(Number) } },
  });
  expect(await answer(tuned.chat)).toMatchObject({ outcome: { ok: true } });
  await client.call('chat:close', { chat: base.chat });
  await client.call('chat:close', { chat: tuned.chat });

  const adapter = await client.follow(await client.call('exports:create', { run, format: 'peft' }));
  expect(path.dirname(adapter.dir)).toBe(path.join(home, 'exports'));
  expect(existsSync(path.join(adapter.dir, 'adapter_model.safetensors'))).toBe(true);
  const merged = await client.follow(await client.call('exports:create', { run, format: 'merged' }));
  expect(await client.call('models:describe', { path: merged.dir })).toMatchObject({ supported: true, faults: [] });
  const { exports } = await client.call('runs:get', { run });
  expect(exports.map(({ path: dir }) => dir).sort()).toEqual([adapter.dir, merged.dir].sort());

  for (const { certificate, files } of [adapter, merged]) {
    expect(certificate && judgeExport(certificate)).toBe('same');
    expect(certificate?.files.map(({ name }) => name)).toEqual([...files].sort());
    expect(certificate?.behaviour?.largest_difference).toBeLessThan(1e-4);
    // The run's own questions, at the places that decide the answers too.
    expect(certificate?.behaviour?.answers.map(({ prompt }) => prompt)).toEqual(
      expect.arrayContaining(details.samples.slice(0, 1).map(({ prompt }) => prompt)),
    );
  }
  const weights = path.join(adapter.dir, 'adapter_model.safetensors');
  const sum = createHash('sha256').update(readFileSync(weights)).digest('hex');
  expect(adapter.certificate?.files.find(({ name }) => name.endsWith('.safetensors'))?.sha256).toBe(sum);
  expect(exports.find(({ id }) => id === adapter.id)?.certificate).toEqual(adapter.certificate);

  const verify = await runCliToEnd(['verify', merged.dir, '--run', run, '--json'], { home, main: REAL_MAIN });
  expect(verify.lines().at(-1)).toMatchObject({ event: 'result', verdict: 'same', dir: merged.dir });
  expect(verify.code).toBe(0);
}, 180_000);

it('finds an export that was changed after it was written, and one that is gone', async () => {
  const { run } = await client.call('runs:start', { config: { ...config(), name: 'Changed', training: STRONG } });
  await until(async () => ((await client.call('runs:get', { run })).run.state === 'finished' ? true : null), 60_000);
  const written = await client.follow(await client.call('exports:create', { run, format: 'peft' }));
  const check = async () => client.follow(await client.call('exports:check', { export: written.id }));
  expect(judgeExport(await check())).toBe('same');

  const file = path.join(written.dir, 'adapter_model.safetensors');
  const bytes = readFileSync(file);
  bytes.fill(0, 8 + Number(bytes.readBigUInt64LE(0)));
  writeFileSync(file, bytes);
  const changed = await check();
  expect(judgeExport(changed)).not.toBe('same');
  expect(changed.behaviour?.largest_difference).toBeGreaterThan(0.1);
  expect((await client.call('runs:get', { run })).exports[0]?.certificate).toEqual(changed);

  writeFileSync(path.join(written.dir, 'adapter_config.json'), '{"peft_type": "PROMPT_TUNING"}');
  const unreadable = await check();
  expect(judgeExport(unreadable)).toBe('unchecked');
  expect(unreadable.unchecked).toMatchObject({ code: expect.stringMatching(/^adapter\//) });
  rmSync(written.dir, { recursive: true });
  await expect(check()).rejects.toMatchObject({ code: 'export/gone' });
}, 180_000);

it('sorts texts into classes: found by the data, checked by accuracy, answered with probabilities', async () => {
  const file = path.join(home, 'kinds.csv');
  const rows = Array.from({ length: 40 }, (_, row) => (row % 2 === 0 ? `aaa ${row},"vowel, first"` : `zzz ${row},ζ`));
  writeFileSync(file, `text,label\n${rows.join('\n')}\n`);
  const model = path.join(home, 'tiny');
  const question = { train: [file], model, task_type: 'SEQ_CLS' as const };
  const report = await client.follow(await client.call('data:inspect', question));
  expect(report.labels).toEqual([
    { name: 'vowel, first', rows: 20 },
    { name: 'ζ', rows: 20 },
  ]);
  expect(report.samples[0]?.spans.at(-1)).toEqual({ text: ' → vowel, first', trained: true });
  expect(report.tokens?.supervised).toBe(40);

  const wanted: RunConfig = {
    ...config(),
    name: 'Sort',
    data: { train: [file] },
    training: { num_train_epochs: 10, learning_rate: 0.01 },
  };
  const plan = await client.follow(await client.call('config:plan', { config: wanted }));
  expect(plan.config).toMatchObject({ task_type: 'SEQ_CLS', labels: ['vowel, first', 'ζ'], data: { packing: false } });
  const { run } = await client.call('runs:start', { config: wanted });
  const details = await until(async () => {
    const now = await client.call('runs:get', { run });
    return now.run.state === 'finished' ? now : null;
  }, 60_000);
  expect(details.run.task_type).toBe('SEQ_CLS');
  expect(details.evaluations.at(-1)).toMatchObject({ perplexity: null, metrics: { accuracy: 1, f1: 1 } });
  expect(details.samples.at(-1)?.expected).toMatch(/^(vowel, first|ζ)$/);

  const { chat } = await client.call('chat:open', { tuned: { run } });
  const { outcome } = await answer(chat);
  if (!outcome.ok) throw new Error(outcome.error.message);
  expect(outcome.value).toMatchObject({ stop_reason: 'classified', tokens: 0 });
  expect(outcome.value.classes?.map(({ label }) => label).sort()).toEqual(['vowel, first', 'ζ']);
  await client.call('chat:close', { chat });

  const { certificate } = await client.follow(await client.call('exports:create', { run, format: 'merged' }));
  expect(certificate && judgeExport(certificate)).toBe('same');
  expect(certificate?.behaviour?.answers[0]?.written).toMatch(/^(vowel, first|ζ)$/);
}, 180_000);
