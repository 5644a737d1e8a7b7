/** @file train, resume and runs from the shell, with a fake engine. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../jobs/support/start-fake.ts';
import { runCliToEnd, startCli } from './support/run-cli.ts';

let home = '';
let work = '';
beforeEach(() => {
  home = makeFolder();
  work = makeFolder();
});
afterEach(() => {
  for (const folder of [home, work]) rmSync(folder, { recursive: true, force: true });
});

const options = () => ({ home, cwd: work });
const train = (...more: string[]) => ['train', '--model', './model', '--data', 'rows.jsonl', ...more];
const output = () => path.join(work, 'run');
const steps = (count: number, stepMs = 0) => [
  ...['--set', `training.max_steps=${count}`],
  ...['--set', `training.save_minutes=${stepMs}`],
];
const adapter = (dir: string) => readFileSync(path.join(dir, 'adapter', 'adapter_model.safetensors'), 'utf8');

describe('train --json', () => {
  it('prints start, steps and checkpoints, and ends with the result', async () => {
    const end = await runCliToEnd(train('--output', 'run', ...steps(6), '--json'), options());
    expect(end).toMatchObject({ code: 0, stderr: '' });
    const lines = end.lines();
    expect(lines.map(({ event }) => event)).toEqual([
      'start',
      ...['step', 'step', 'step', 'step', 'step', 'checkpoint', 'step'],
      'result',
    ]);
    expect(lines[0]).toMatchObject({ run_dir: output(), total_steps: 6 });
    expect(Object.keys(lines[1] ?? {})).toEqual(
      expect.arrayContaining([
        'step',
        'loss',
        'learning_rate',
        'grad_norm',
        'tokens_per_second',
        'tokens',
        'memory_bytes',
      ]),
    );
    expect(lines.at(-1)).toMatchObject({
      run_dir: output(),
      adapter_dir: path.join(output(), 'adapter'),
      final_loss: expect.any(Number),
      eval_loss: null,
      best_checkpoint: null,
    });
  });

  it('ends with the error, all faults at once, and leaves nothing', async () => {
    const bad = ['--set', 'peft.r=0', '--set', 'peft.rank=8', '--set', 'training.optim=magic'];
    const end = await runCliToEnd(train('--output', 'run', ...bad, '--json'), options());
    expect(end.code).toBe(2);
    expect(end.lines()).toMatchObject([
      {
        event: 'error',
        code: 'config/invalid',
        faults: [{ field: 'peft.r' }, { field: 'peft.rank' }, { field: 'training.optim' }],
        hint: expect.stringContaining('train --help'),
      },
    ]);
    expect(readdirSync(work)).toEqual([]);
  });
});

describe('train --dry-run', () => {
  it('says what the run would take, and writes nothing', async () => {
    const end = await runCliToEnd(train('--dry-run', '--json'), options());
    expect(end.code).toBe(0);
    expect(end.lines().at(-1)).toMatchObject({
      event: 'result',
      peak_memory_bytes: 11e6,
      predicted_memory_bytes: 10e6,
      step_ms: 10,
      total_ms: 230,
      total_steps: 12,
    });
    const people = await runCliToEnd(train('--dry-run', '--output', 'run'), options());
    expect(people.stdout).toMatch(/Peak memory +11 MB of 8.0 GB free/);
    expect(readdirSync(work)).toEqual([]);
    expect(existsSync(path.join(home, 'runs'))).toBe(false);
  });
});

describe('train for people', () => {
  it('prints lines without a terminal, and where the result is', async () => {
    const end = await runCliToEnd(train('--output', 'run', ...steps(3)), options());
    expect(end.code).toBe(0);
    expect(end.stderr).toMatch(/Training 1 of 2 parameters/);
    expect(end.stderr).toMatch(/\] 2\/3 {2}loss .* tokens\/s .* left/);
    expect(end.stdout).toContain(`Result:  ${path.join(output(), 'adapter')}`);
  });

  it.each([
    ['bad-input', 2, /Error: rows.jsonl: no rows\n {2}- empty/],
    ['too-large-checkpoint', 3, /the run needs .* of disk space, .* are free\n(.*\n)*.*Free some space/],
    ['out-of-memory', 3, /Memory ran out.*\n(.*\n)*.*per_device_train_batch_size/],
    ['killed', 3, /The system ended the process \(training, after step 3\)/],
    ['bug', 1, /Internal error: cannot read properties of undefined\n.*TUNESMITH_DEBUG/],
  ])('ends %s with exit code %i', async (behaviour, code, message) => {
    const end = await runCliToEnd(train('--output', 'run', '--name', behaviour), options());
    expect(end.code).toBe(code);
    expect(end.stderr).toMatch(message);
    expect(end.stderr).not.toMatch(/^\s+at /m);
    expect(end.stdout).toBe('');
  });

  it('shows the stack where it is asked for', async () => {
    const end = await runCliToEnd(train('--output', 'run', '--name', 'bug'), {
      ...options(),
      env: { TUNESMITH_DEBUG: '1' },
    });
    expect(end.stderr).toMatch(/^\s+at .*fake-recipe/m);
  });

  it('takes a configuration file, flags over it, and --set over both', async () => {
    const file = path.join(work, 'config.json');
    const training = { max_steps: 9, seed: 5 };
    writeFileSync(file, JSON.stringify({ model: { path: '/other' }, data: { train: 'x.jsonl' }, training }));
    const end = await runCliToEnd(
      [...train('--output', 'run', '--config', file), '--set', 'training.max_steps=2'],
      options(),
    );
    expect(end.code).toBe(0);
    const { config } = JSON.parse(readFileSync(path.join(output(), 'run.json'), 'utf8'));
    expect(config).toMatchObject({
      model: { path: path.join(work, 'model') },
      data: { train: [path.join(work, 'rows.jsonl')] },
      training: { max_steps: 2, seed: 5 },
    });
    const again = await runCliToEnd(
      ['train', '--config', path.join(output(), 'run.json'), '--output', 'again'],
      options(),
    );
    expect(again.code).toBe(0);
    expect(adapter(path.join(work, 'again'))).toBe(adapter(output()));
  });

  it.each([
    ['missing', null, /no-such.json: there is no such file/],
    ['broken', '{"model": ', /config.json: .*JSON/],
    ['no object', '[1]', /holds no JSON object/],
  ])('refuses a configuration file that is %s', async (_what, text, message) => {
    const file = text === null ? 'no-such.json' : 'config.json';
    if (text !== null) writeFileSync(path.join(work, file), text);
    const end = await runCliToEnd(train('--config', file), options());
    expect(end).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });

  it('refuses a folder that holds a run, and names resume', async () => {
    await runCliToEnd(train('--output', 'run', ...steps(3)), options());
    const before = adapter(output());
    const end = await runCliToEnd(train('--output', 'run', ...steps(4)), options());
    expect(end).toMatchObject({ code: 2, stderr: expect.stringContaining(`tunesmith resume ${output()}`) });
    expect(adapter(output())).toBe(before);
  });
});

describe('interrupting', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s saves, ends with 130 and says how to go on', async (signal) => {
    const straight = await runCliToEnd(train('--output', 'straight', ...steps(40)), options());
    expect(straight.code).toBe(0);
    const cli = startCli(train('--output', 'run', ...steps(40, 20)), options());
    await cli.waitFor(' 3/40');
    cli.child.kill(signal);
    const end = await cli.end;
    expect(end.code).toBe(130);
    expect(end.stderr).toContain(`tunesmith resume ${output()}`);
    const list = await runCliToEnd(['runs', 'list', '--json'], options());
    expect(list.lines()).toMatchObject([{ runs: [{ state: 'paused' }, { state: 'finished' }] }]);
    const resumed = await runCliToEnd(['resume', 'run', '--json', '--set', 'training.save_minutes=0'], options());
    expect(resumed.lines().at(-1)).toMatchObject({ event: 'result', steps: 40 });
    const back = await runCliToEnd(['resume', 'run', '--checkpoint', '35', '--json'], options());
    expect(back.lines()).toContainEqual(expect.objectContaining({ event: 'start', start_step: 35 }));
    expect(back.lines()).toContainEqual(expect.objectContaining({ event: 'notice', code: 'run/set-aside' }));
    const missing = await runCliToEnd(['resume', 'run', '--checkpoint', '3'], options());
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('checkpoints of step 35, 40') });
    expect(adapter(output())).toBe(adapter(path.join(work, 'straight')));
  });

  it('ends at once at the second Ctrl-C', async () => {
    const cli = startCli(train('--output', 'run', '--name', 'ignores-stop', ...steps(100000, 20)), options());
    await cli.waitFor(' 3/100000');
    cli.child.kill('SIGINT');
    await cli.waitFor('Ctrl-C again');
    await sleep(600); // npm and the terminal may both deliver the first one
    cli.child.kill('SIGINT');
    expect((await cli.end).code).toBe(130);
  });

  it('says in --json too that it was interrupted', async () => {
    const cli = startCli(train('--output', 'run', ...steps(1000, 20), '--json'), options());
    await cli.waitFor('"step":3,');
    cli.child.kill('SIGINT');
    const end = await cli.end;
    expect(end.code).toBe(130);
    expect(end.lines().at(-1)).toMatchObject({ event: 'error', code: 'interrupted' });
  });
});

describe('killed without warning', () => {
  it.each([
    ['the process group', (pid: number) => process.kill(-pid, 'SIGKILL')],
    ['the program alone', (pid: number) => process.kill(pid, 'SIGKILL')],
  ])('%s: the run is found interrupted, resumes, and ends as if nothing had been', async (_what, kill) => {
    await runCliToEnd(train('--output', 'straight', ...steps(40)), options());
    const cli = startCli(train('--output', 'run', ...steps(40, 20)), { ...options(), detached: true });
    await cli.waitFor(' 7/40');
    kill(Number(cli.child.pid));
    const resumed = await runCliToEnd(['resume', 'run', '--set', 'training.save_minutes=0', '--json'], options());
    expect(resumed.lines().at(-1)).toMatchObject({ event: 'result', steps: 40 });
    expect(adapter(output())).toBe(adapter(path.join(work, 'straight')));
    expect(existsSync(path.join(output(), 'run.lock'))).toBe(false);
  });
});

describe('runs', () => {
  it('shows, compares, exports and removes', async () => {
    await runCliToEnd(train('--output', 'one', ...steps(3)), options());
    await runCliToEnd(train('--output', 'two', ...steps(3), '--set', 'peft.r=2'), options());
    const show = await runCliToEnd(['runs', 'show', 'one'], options());
    expect(show.stdout).toMatch(/State +finished/);
    const compare = await runCliToEnd(['runs', 'compare', 'one', 'two', '--json'], options());
    expect(compare.lines()[0]).toMatchObject({ differences: [{ path: 'peft.r', values: ['8', '2'] }] });
    const csv = await runCliToEnd(['runs', 'export', 'one', '--output', 'one.csv'], options());
    expect(csv.code).toBe(0);
    expect(readFileSync(path.join(work, 'one.csv'), 'utf8')).toMatch(/^step,loss,.*\n1,/);
    expect((await runCliToEnd(['runs', 'remove', 'one'], options())).code).toBe(0);
    expect(existsSync(path.join(work, 'one'))).toBe(false);
    expect((await runCliToEnd(['runs', 'show', 'one'], options())).code).toBe(2);
  });

  it('runs the queue', async () => {
    const add = () => runCliToEnd(['queue', 'add', ...train(...steps(3)).slice(1), '--json'], options());
    const refused = await add();
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.lines().at(-1)).toMatchObject({ code: 'data/missing-file', faults: [{ file: 'rows.jsonl' }] });
    writeFileSync(path.join(work, 'rows.jsonl'), '');
    expect(await add()).toMatchObject({ code: 0 });
    const end = await runCliToEnd(['queue', 'run', '--json'], options());
    expect(end.lines().at(-1)).toMatchObject({ event: 'result', runs: 1, items: [{ state: 'finished' }] });
  });
});
