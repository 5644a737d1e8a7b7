import { afterEach, expect, it } from 'vitest';
import { Interrupted } from '../../../src-shared/domain/app-error.ts';
import { type Job, startJob } from '../../../src-main/jobs/job-client.ts';
import type { AskRequest } from '../../../src-main/jobs/protocol.ts';
import { FAKE_ENTRY } from './support/start-fake.ts';

let chat: Job<'generate'> | null = null;
afterEach(() => {
  chat?.kill();
  chat = null;
});

function openChat(): Job<'generate'> {
  const request = { modelDir: '/m', adapterDir: null };
  chat = startJob({ kind: 'generate', request, bindingPath: null, entry: FAKE_ENTRY });
  return chat;
}

function ask(prompt: string, stop: string[] = []): AskRequest {
  return { input: { prompt }, maxNewTokens: 8, temperature: 0, topP: 1, seed: 1, stop };
}

it('answers question after question from one process, streaming', async () => {
  const job = openChat();
  await job.ready;
  const chunks: string[] = [];
  const onText = (chunk: string) => chunks.push(chunk);
  const [first, second] = await Promise.all([job.ask(ask('a'), { onText }), job.ask(ask('b'), { onText })]);
  expect([first.text, second.text]).toEqual(['a', 'b']);
  expect(chunks).toEqual(['a0 ', 'a1 ', 'a2 ', 'b0 ', 'b1 ', 'b2 ']);
  job.stop();
  expect(await job.result).toBeNull();
});

it('ends one answer without ending the session', async () => {
  const job = openChat();
  await job.ready;
  const dropping = new AbortController();
  const slow = await job.ask(ask('slow'), { signal: dropping.signal, onText: () => dropping.abort() });
  expect(slow.stop_reason).toBe('interrupted');
  expect((await job.ask(ask('next'), { onText: () => {} })).text).toBe('next');
});

it('passes an expected failure to the question, not to the session', async () => {
  const job = openChat();
  await job.ready;
  await expect(job.ask(ask('x', ['fail']), { onText: () => {} })).rejects.toMatchObject({ code: 'generate/too-long' });
  expect((await job.ask(ask('y'), { onText: () => {} })).text).toBe('y');
});

it('fails open questions when the process is gone', async () => {
  const job = openChat();
  await job.ready;
  const open = job.ask(ask('slow'), { onText: () => job.kill() });
  await expect(open).rejects.toBeInstanceOf(Interrupted);
  await expect(job.result).rejects.toBeInstanceOf(Interrupted);
  await expect(job.ask(ask('late'), { onText: () => {} })).rejects.toBeInstanceOf(Interrupted);
});

it.each([
  ['memory', { memoryBytes: 300e6, timeMs: 60_000 }, 'job/too-large'],
  ['time', { memoryBytes: 1e12, timeMs: 400 }, 'job/too-slow'],
] as const)('ends a job that takes too much %s', async (_what, limits, code) => {
  const request = {
    modelDir: '/m',
    adapterDir: null,
    data: {
      paths: ['/d'],
      format: 'auto' as const,
      columns: {},
      template: null,
      max_length: null,
      completion_only_loss: true,
    },
    metrics: [],
    batchSize: null,
    maxNewTokens: 1,
  };
  const job = startJob({ kind: 'evaluate', request, bindingPath: null, entry: FAKE_ENTRY, limits });
  await expect(job.result).rejects.toMatchObject({ code });
});
