/**
 * @file How quickly core answers a window while a real run trains, beside a history of thousands of runs: what a screen asks for, one after
 * another, over the WebSocket from a process of its own.
 */
import type { Client } from '../../../src-shared/contract/client.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import { startServer } from '../../e2e/support/browser-app.ts';
import { connectClient } from '../../e2e/support/core-client.ts';
import { quantile } from '../statistics.ts';
import { LONG_RUN } from './filled-home.ts';

export interface CallTimes {
  readonly name: string;
  readonly calls: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

export interface LatencyResult {
  readonly times: readonly CallTimes[];
  /** All kinds together. */
  readonly all: CallTimes;
  readonly stepsPerSecond: number;
}

const PAUSE_MS = 20;

/** @param config of a run that takes longer than `seconds` */
export async function measureLatency(home: string, config: RunConfig, seconds: number): Promise<LatencyResult> {
  const server = await startServer(home);
  const client = await connectClient(server.url);
  try {
    let steps = 0;
    client.on('run:eventsReported', ({ events }) => (steps += events.filter(({ event }) => event === 'step').length));
    const { run } = await client.call('runs:start', { config });
    while (steps < 3) await pause(100);
    const before = steps;
    const startMs = performance.now();
    const times = await askInTurns(client, run, seconds * 1000);
    const stepsPerSecond = ((steps - before) * 1000) / (performance.now() - startMs);
    await client.call('runs:stop', { run });
    const described = [...times].map(([name, all]) => describeTimes(name, all));
    return { times: described, all: describeTimes('all', [...times.values()].flat()), stepsPerSecond };
  } finally {
    client.close();
    await server.close();
  }
}

/** The first round is left out: it finds models and engine, which is done once. */
async function askInTurns(client: Client, run: string, forMs: number): Promise<Map<string, number[]>> {
  const calls: Record<string, () => Promise<unknown>> = {
    'settings:get': () => client.call('settings:get', {}),
    'runs:list': () => client.call('runs:list', { limit: 100 }),
    'runs:list, searched': () => client.call('runs:list', { search: 'letters-7 small', limit: 100 }),
    'runs:list, sorted by loss': () => client.call('runs:list', { sort: 'best_eval_loss', limit: 100 }),
    'runs:list, stopped ones': () => client.call('runs:list', { states: ['stopped'], limit: 100 }),
    'runs:listTags': () => client.call('runs:listTags', {}),
    'runs:get, at work': () => client.call('runs:get', { run }),
    'runs:get, 100,000 steps': () => client.call('runs:get', { run: LONG_RUN }),
    'runs:getMetrics, one page': () => client.call('runs:getMetrics', { run: LONG_RUN, after_step: 50_000 }),
    'runs:listActive': () => client.call('runs:listActive', {}),
    'queue:get': () => client.call('queue:get', {}),
    'models:list': () => client.call('models:list', {}),
    'data:list': () => client.call('data:list', {}),
    'engine:getStatus': () => client.call('engine:getStatus', {}),
  };
  const times = new Map<string, number[]>(Object.keys(calls).map((name) => [name, []]));
  for (const call of Object.values(calls)) await call();
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    for (const [name, call] of Object.entries(calls)) {
      const startMs = performance.now();
      await call();
      times.get(name)?.push(performance.now() - startMs);
      await pause(PAUSE_MS);
    }
  }
  return times;
}

function describeTimes(name: string, all: readonly number[]): CallTimes {
  return {
    name,
    calls: all.length,
    medianMs: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
    mostMs: Math.max(...all),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
