/**
 * @file Core under Electron's main process: started again when it crashes, given up when that does not help; and who main listens to.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FromCore } from '../../src-shared/contract/messages.ts';
import { superviseCore } from '../../src-main/app/core-supervisor.ts';
import { CHANNELS } from '../../src-main/app/preload-channels.ts';
import { makeFolder } from '../unit/jobs/support/start-fake.ts';
import { fakeConfig, type OpenDesktop, openDesktop, OWN_PAGE, until } from './support/open-contract.ts';

let home = '';
let desktop: OpenDesktop;
const chosen: string[] = [];

beforeEach(async () => {
  home = makeFolder();
  chosen.length = 0;
  desktop = await openDesktop(home, {
    'desktop:copyText': ({ text }) => {
      chosen.push(text);
      return null;
    },
  });
});
afterEach(async () => {
  await desktop.close();
  rmSync(home, { recursive: true, force: true });
});

function killCore(): void {
  process.kill(desktop.core.pid() ?? 0, 'SIGKILL');
}

describe('a core that crashes', () => {
  it('is started again; what was asked meanwhile fails, what is asked later works', async () => {
    const { client } = desktop;
    const { run } = await client.call('runs:start', {
      config: fakeConfig(home, 'well', { max_steps: 9999, save_minutes: 5 }),
    });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 6) || null);
    let restarts = 0;
    client.onRestart(() => restarts++);
    killCore();
    await expect(client.call('runs:pause', { run })).rejects.toMatchObject({ code: 'core/restarted' });
    expect(restarts).toBe(1);
    // The job saves and ends by itself; the new core finds what it left and offers it.
    const left = await until(async () => {
      const details = await client.call('runs:get', { run });
      return details.run.state === 'interrupted' ? details : null;
    });
    expect(left).toMatchObject({ can_resume: true });
    expect(left.checkpoints.length).toBeGreaterThan(0);
    await client.call('runs:resume', { run, settings: ['training.max_steps=40', 'training.save_minutes=0'] });
    await until(async () => (await client.call('runs:get', { run })).run.state === 'finished' || null);
  });

  it('keeps what the person chose before', async () => {
    const { client, core } = desktop;
    const folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-chosen-'));
    const file = path.join(folder, 'rows.jsonl');
    writeFileSync(file, '{"text": "one"}\n');
    core.allowPath(file);
    killCore();
    await new Promise<void>((resolve) => client.onRestart(resolve));
    const started = await client.call('data:inspect', { train: [file] });
    expect(await client.follow(started)).toMatchObject({ rows: 1 });
    rmSync(folder, { recursive: true });
  });

  it('is given up when it crashes at every start, and says why', async () => {
    const entry = path.join(home, 'broken.mjs');
    writeFileSync(entry, 'throw new Error("no such disk");');
    const told: FromCore[] = [];
    const core = superviseCore({
      node: process.execPath,
      entry,
      args: { version: 'test' },
      env: process.env,
      onMessage: (message) => told.push(message),
      onLog: () => {},
    });
    await until(() => told.find(({ type }) => type === 'lost') ?? null);
    expect(core.lostReason()).not.toBeNull();
    await core.close();
  });
});

describe('main', () => {
  it('pauses what is at work when the app ends', async () => {
    const { client } = desktop;
    const { run } = await client.call('runs:start', {
      config: fakeConfig(home, 'well', { max_steps: 9999, save_minutes: 5 }),
    });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 2) || null);
    await desktop.close();
    desktop = await openDesktop(home);
    expect(await desktop.client.call('runs:get', { run })).toMatchObject({
      run: { state: 'paused' },
      can_resume: true,
    });
  });

  it('answers what only it can do, with checked arguments', async () => {
    await desktop.client.call('desktop:copyText', { text: 'copied' });
    expect(chosen).toEqual(['copied']);
    await expect(desktop.client.call('desktop:copyText', { text: 7 as never })).rejects.toMatchObject({
      code: 'contract/bad-arguments',
    });
  });

  it('does not listen to other pages', async () => {
    const call = { type: 'call', id: 'x', method: 'desktop:copyText', args: { text: 'stolen' } };
    desktop.sendAs('https://example.org/', CHANNELS.call, call);
    desktop.sendAs(OWN_PAGE, CHANNELS.call, { ...call, id: 7 });
    desktop.sendAs(OWN_PAGE, CHANNELS.call, 'nonsense');
    await desktop.client.call('desktop:copyText', { text: 'own' });
    expect(chosen).toEqual(['own']);
  });
});
