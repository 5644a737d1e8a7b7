/**
 * @file A program measured from outside: its lines with their time, its peak memory and that of its children, how it ended.
 */
import { describe, expect, it } from 'vitest';
import { runMetered } from '../../bench/process-meter.ts';

const node = (program: string): string[] => [process.execPath, '-e', program];

describe('a metered program', () => {
  it('gives JSON objects as events and leaves other lines out', async () => {
    const lines = ['{"event":"step","loss":2}', "{'a': 'python'}", 'plain', '{"event":"result"}'];
    const run = await runMetered(node(`console.log(${JSON.stringify(lines.join('\n'))})`), {});
    expect(run.code).toBe(0);
    expect(run.events.map(({ body }) => body)).toEqual([{ event: 'step', loss: 2 }, { event: 'result' }]);
  });

  it('adds the peaks of children to that of the program', async () => {
    const child = `const big = Buffer.alloc(120e6, 1); console.log(big.length); setTimeout(() => {}, 1500)`;
    const parent = `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(child)}])`;
    const run = await runMetered(node(parent), {});
    expect(run.largestPeakBytes).toBeGreaterThan(120e6);
    expect(run.treePeakBytes).toBeGreaterThan(run.largestPeakBytes + 20e6);
  });

  it('keeps the end of what was said on stderr', async () => {
    const run = await runMetered(node(`process.stderr.write('no room'); process.exitCode = 3`), {});
    expect(run).toMatchObject({ code: 3, stderr: 'no room', events: [] });
  });
});
