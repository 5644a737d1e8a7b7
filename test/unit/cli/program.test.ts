import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeFolder } from '../jobs/support/start-fake.ts';
import { REAL_MAIN, runCliToEnd } from './support/run-cli.ts';

let home = '';
beforeAll(() => (home = makeFolder()));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const cli = (...args: string[]) => runCliToEnd(args, { home, main: REAL_MAIN });

it('lists the commands, and each has a help with an example or subcommands', async () => {
  const { stdout, code } = await cli('--help');
  expect(code).toBe(0);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) .* {2}/gm)].map(([, name]) => name ?? '');
  expect(names).toEqual(expect.arrayContaining(['doctor', 'train', 'resume', 'runs', 'queue']));
  const helps = await Promise.all(names.filter((name) => name !== 'help').map((name) => cli(name, '--help')));
  for (const help of helps) expect(help.stdout).toMatch(/Example|Commands:/);
});

it.each([
  [[], /A command is missing/],
  [['fly'], /unknown command 'fly'/],
  [['train', '--fast'], /unknown option '--fast'/],
  [['runs', 'show'], /missing required argument 'run'/],
  [['runs'], /A command is missing/],
  [['logits', '--model', 'm', '--tokens', '1,x', '--out', 'f'], /token ids/],
  [['logits', '--model', 'm', '--out', 'f'], /no input/],
  [['generate', '--model', 'm', '--prompt', 'p', '--temperature', '-1'], /number of at least 0/],
  [
    ['export', '--model', 'm', '--format', 'peft', '--dtype', 'f32', '--output', 'o'],
    /--dtype cannot be used with --format peft/,
  ],
  [['generate', '--model', 'm'], /no text to go on from/],
  [['train'], /model\.path: is missing \(give --model DIR\)\n.*data\.train: is missing \(give --data FILES\)/],
  [['resume', '/nowhere'], /There is no run "\/nowhere"/],
  [['models', 'import', '/nowhere'], /no such folder/],
])('%j is bad input', async (args, message) => {
  const end = await cli(...args);
  expect(end.code).toBe(2);
  expect(end.stderr).toMatch(message);
  expect(end.stdout).toBe('');
});

it('reports bad arguments in --json as one line', async () => {
  const end = await cli('train', '--fast', '--json');
  expect(end.code).toBe(2);
  expect(end.lines()).toMatchObject([{ event: 'error', code: 'cli/bad-arguments' }]);
});

it('names what cannot be written as a fault of the machine', async () => {
  const end = await runCliToEnd(['runs', 'list'], { home: '/proc/nowhere', main: REAL_MAIN });
  expect(end.code).toBe(3);
  expect(end.stderr).toContain('TUNESMITH_HOME');
});
