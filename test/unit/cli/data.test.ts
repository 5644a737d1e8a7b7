import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeFolder } from '../jobs/support/start-fake.ts';
import { REAL_MAIN, runCliToEnd } from './support/run-cli.ts';

let home = '';
beforeAll(() => (home = makeFolder()));
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function inspect(name: string, content: string, ...flags: string[]) {
  const file = path.join(home, name);
  writeFileSync(file, content);
  return runCliToEnd(['data', 'inspect', file, '--json', ...flags], { home, main: REAL_MAIN });
}

it('tells what is in a file', async () => {
  const end = await inspect(
    'good.csv',
    'question,answer\nfirst,1\nsecond,2\nfirst,1\n',
    '--column',
    'prompt=question',
    '--column',
    'completion=answer',
  );
  expect(end.code).toBe(0);
  expect(end.lines().at(-1)).toMatchObject({ event: 'result', rows: 3, duplicates: { count: 1 } });
});

it('names every row that cannot be used, and ends as bad input', async () => {
  const end = await inspect('bad.jsonl', '{"prompt":"a","completion":"b"}\n{"prompt": \n{"prompt":"c"}\n');
  expect(end.code).toBe(2);
  expect(end.lines().at(-2)).toMatchObject({ event: 'report', rows: 1, bad_rows: 2 });
  expect(end.lines().at(-1)).toMatchObject({ event: 'error', faults: [{ line: 2 }, { line: 3, field: 'completion' }] });
});

it('counts tokens with a model', async () => {
  const end = await inspect('text.jsonl', '{"text":"hello world"}\n', '--model', 'sample');
  expect(end.code).toBe(0);
  const { tokens } = end.lines().at(-1) as unknown as { tokens: { total: number; supervised: number } };
  expect(tokens.total).toBeGreaterThan(1);
  expect(tokens.supervised).toBeGreaterThan(0);
});
