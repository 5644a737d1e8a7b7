import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeWorkplace, type Workplace } from './files.ts';

let place: Workplace;
beforeAll(async () => {
  place = await makeWorkplace();
});
afterAll(() => place.remove());

const ROWS = 120_000;

// The rows alone would take more than 40 MB of heap; what is kept of each is a digest outside the heap.
it.each([
  [
    'rows.jsonl',
    (index: number) => `{"prompt":"question number ${index}","completion":"answer ${index % 1000}"}\n`,
    '',
  ],
  ['rows.csv', (index: number) => `"question, number ${index}",answer ${index % 1000}\n`, 'prompt,completion\n'],
  ['rows.json', (index: number) => `${index === 0 ? '[' : ','}{"prompt":"number ${index}","completion":"answer"}`, ''],
])('%s: many rows are inspected within a heap of 32 MB', async (name, row, head) => {
  const rows = Array.from({ length: ROWS }, (_, index) => row(index)).join('');
  const file = await place.write(
    name,
    head + rows + (name.endsWith('.json') ? ',{"prompt":"number 7","completion":"answer"}]' : row(7)),
  );
  const script = `
    import { inspectData } from ${JSON.stringify(path.resolve('src-main/engine/data/inspect.ts'))};
    const { rows, duplicates, fault_count } = await inspectData({ train: [process.argv[1]] });
    console.log(JSON.stringify({ rows, duplicates: duplicates.count, fault_count }));`;
  const args = ['--max-old-space-size=32', '--input-type=module', '--eval', script, file];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual({ rows: ROWS + 1, duplicates: 1, fault_count: 0 });
});
