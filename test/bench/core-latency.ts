/**
 * @file How quickly core answers a window while it is busy: a history of 5,000 runs, one of them with 100,000 steps, and a run that tells
 * its steps as fast as it can. Prints one JSON object: milliseconds of each kind of call, over the WebSocket.
 *
 *     node scripts/with-node.mjs test/bench/core-latency.ts [SECONDS]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '../../src-shared/contract/client.ts';
import { closeDatabase, inTransaction, openDatabase } from '../../src-main/store/database.ts';
import { insertMetric } from '../../src-main/store/metrics.ts';
import { insertRun } from '../../src-main/store/runs.ts';
import { fakeConfig, openBrowser } from '../contract/support/open-contract.ts';

const RUNS = 5_000;
const LONG_STEPS = 100_000;
const SHORT_STEPS = 100;
const seconds = Number(process.argv[2] ?? 20);

const home = mkdtempSync(path.join(tmpdir(), 'tunesmith-latency-'));
try {
  fillHistory(path.join(home, 'history.sqlite'));
  const browser = await openBrowser(home);
  const { client } = browser;
  const { run } = await client.call('runs:start', {
    config: fakeConfig(home, 'well', { max_steps: 1e9, save_steps: 1e9 }),
  });
  const took = await measure(client, run);
  await client.call('runs:stop', { run });
  await browser.close();
  process.stdout.write(`${JSON.stringify(took, null, 2)}\n`);
} finally {
  rmSync(home, { recursive: true, force: true });
}

function fillHistory(file: string): void {
  const db = openDatabase(file);
  inTransaction(db, () => {
    for (let index = 0; index < RUNS; index++) {
      const id = `run-${String(index).padStart(5, '0')}`;
      insertRun(db, {
        id,
        name: `Run ${index}`,
        dir: path.join(home, 'runs', id),
        state: 'finished',
        created_at: index,
        task_type: 'CAUSAL_LM',
        model_path: '/models/m',
        model_name: 'tiny',
        method: 'LORA',
        method_summary: 'LoRA r=8',
        data_summary: `rows-${index % 40}.jsonl`,
        config_json: JSON.stringify({ filler: 'x'.repeat(3_000) }),
      });
      const steps = index === 0 ? LONG_STEPS : SHORT_STEPS;
      for (let step = 1; step <= steps; step++) insertMetric(db, id, metric(step));
    }
  });
  closeDatabase(db);
}

function metric(step: number) {
  const figures = {
    learning_rate: 2e-4,
    grad_norm: 0.5 + Math.sin(step),
    tokens_per_second: 1234.5,
    tokens: step * 512,
  };
  return {
    step,
    loss: 3 / Math.sqrt(step),
    ...figures,
    memory_bytes: 3e9,
    epoch: step / 1e4,
    elapsed_ms: step * 130.5,
  };
}

async function measure(client: Client, run: string) {
  const calls: Record<string, () => Promise<unknown>> = {
    'settings:get': () => client.call('settings:get', {}),
    'runs:list': () => client.call('runs:list', {}),
    'runs:list, searched': () => client.call('runs:list', { search: 'rows-7 tiny', sort: 'final_loss' }),
    'runs:get': () => client.call('runs:get', { run }),
    'runs:listActive': () => client.call('runs:listActive', {}),
    'runs:getMetrics, 5,000 steps': () => client.call('runs:getMetrics', { run: 'run-00000' }),
  };
  const times = new Map<string, number[]>(Object.keys(calls).map((name) => [name, []]));
  let steps = 0;
  client.on('run:eventsReported', ({ events }) => (steps += events.length));
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    for (const [name, call] of Object.entries(calls)) {
      const startMs = performance.now();
      await call();
      times.get(name)?.push(performance.now() - startMs);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const figures = [...times].map(([name, all]) => [name, describe(all)]);
  return { seconds, steps_told: steps, ms: Object.fromEntries(figures) as Record<string, ReturnType<typeof describe>> };
}

function describe(all: readonly number[]) {
  const sorted = [...all].sort((a, b) => a - b);
  const at = (share: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1));
  return { calls: all.length, median: at(0.5), p99: at(0.99), most: at(1) };
}
