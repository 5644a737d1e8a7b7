import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../src-main/cli/program.ts';
import { shardedHubModel, tinyHubModel } from '../../support/hub-models.ts';
import { commitOf, type HubServer, startHub } from '../../support/hub-server.ts';
import { type Line, startCli } from './support/run-cli.ts';

const TOKEN = 'hf_neverwritten';
let hub: HubServer;
let home = '';
beforeEach(async () => {
  hub = await startHub();
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-models-cli-'));
});
afterEach(async () => {
  await hub.close();
  rmSync(home, { recursive: true, force: true });
});

/** Nothing of this machine's own models or settings. */
const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  HF_ENDPOINT: hub.url,
  HOME: home,
  HF_HOME: path.join(home, 'hf'),
  HF_TOKEN: '',
  http_proxy: '',
  HTTP_PROXY: '',
  ...more,
});
const options = () => ({ home, env: environment() });

/** In this process, which saves starting one for each command. */
async function run(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<{ code: number; end: Line }> {
  const lines: string[] = [];
  const stdout = { write: (text: string) => lines.push(text) };
  const env = { ...environment(more), TUNESMITH_HOME: home };
  const code = await runCli([...args, '--json'], { env, stdout, stderr: { write: () => {} } });
  return { code, end: JSON.parse(lines.at(-1) ?? '{"event":"nothing"}') as Line };
}

describe('tunesmith models', () => {
  it('searches, pulls, lists, and removes with what it frees; the token is written nowhere', async () => {
    const model = await tinyHubModel();
    hub.add(model);
    const more = { HF_TOKEN: TOKEN };
    const found = await run(['models', 'search', 'tiny'], more);
    expect(found.end).toMatchObject({ models: [{ id: 'maker/tiny', licence: 'apache-2.0', path: null }] });
    const pulled = await run(['models', 'pull', 'maker/tiny'], more);
    const dir = path.join(home, 'models', 'maker', 'tiny');
    expect(pulled).toMatchObject({
      code: 0,
      end: { event: 'result', path: dir, revision: commitOf(model), already: false, fit: { verdict: 'fits' } },
    });
    expect(hub.seen.some(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(true);
    expect((await run(['models', 'pull', 'maker/tiny'])).end).toMatchObject({ path: dir, already: true });
    const { end } = await run(['models', 'list']);
    const [, listed] = end.models as object[];
    expect(listed).toMatchObject({
      name: 'maker/tiny',
      source: 'hub',
      usable: true,
      supported: true,
      context_tokens: 256,
    });
    expect(findText(home, TOKEN)).toEqual([]);
    const removed = await run(['models', 'remove', 'maker/tiny']);
    expect(removed.end.freed_bytes).toBeGreaterThan(100_000);
    expect(existsSync(dir)).toBe(false);
  });

  it('uses copies where they are, and never deletes those', async () => {
    const model = await tinyHubModel();
    hub.add(model);
    const dir = path.join(home, 'hf', 'hub', 'models--maker--tiny', 'snapshots', commitOf(model));
    await run(['models', 'pull', 'maker/tiny', '--dir', dir]);
    rmSync(path.join(dir, '.tunesmith-download.json'));
    rmSync(path.join(home, 'history.sqlite'));
    hub.seen.length = 0;
    expect((await run(['models', 'pull', 'maker/tiny'])).end).toMatchObject({
      path: dir,
      source: 'found',
      already: true,
    });
    expect(hub.seen.filter(({ path: at }) => at.endsWith('.safetensors'))).toEqual([]);
    const refused = await run(['models', 'remove', 'maker/tiny']);
    expect(refused).toMatchObject({ code: 2, end: { code: 'model/found-elsewhere' } });
    hub.seen.length = 0;
    const offline = await run(['models', 'pull', 'maker/tiny'], { HF_HUB_OFFLINE: '1' });
    expect(offline.end).toMatchObject({ path: dir, already: true });
    const missing = await run(['models', 'pull', 'maker/other'], { HF_HUB_OFFLINE: '1' });
    expect(missing).toMatchObject({ code: 3, end: { code: 'hub/offline' } });
    expect(hub.seen).toEqual([]);
  });

  it('goes on after it, or its job, was killed', async () => {
    const model = await shardedHubModel(4, 400_000);
    hub.add(model);
    const dir = path.join(home, 'chosen');
    hub.onFile = (name, from) =>
      name.startsWith('model-') && from < 200_000 ? { cutAfter: 150_000, hangs: true } : null;
    const killed = startCli(['models', 'pull', 'maker/large', '--dir', dir, '--json'], options());
    const shard = path.join(dir, '.partial-download', 'model-00001-of-00004.safetensors.part');
    await expect.poll(() => statSync(shard, { throwIfNoEntry: false })?.size ?? 0, { timeout: 20_000 }).toBe(150_000);
    killed.child.kill('SIGKILL');
    await killed.end;
    const lock = path.join(dir, '.partial-download', 'lock');
    await expect.poll(() => existsSync(lock), { timeout: 20_000 }).toBe(false);
    expect(readdirSync(dir)).toEqual(['.partial-download']);
    expect((await run(['models', 'list'])).end).toMatchObject({
      downloads: [{ model: 'maker/large', state: 'interrupted' }],
    });

    const cut = startCli(['models', 'pull', 'maker/large', '--dir', dir, '--json'], options());
    await expect.poll(() => (existsSync(lock) ? readPid(lock) : 0), { timeout: 20_000 }).toBeGreaterThan(0);
    process.kill(readPid(lock), 'SIGKILL');
    const end = await cut.end;
    expect(end.code).toBe(3);
    expect(end.lines().at(-1)).toMatchObject({ code: 'download/cut-off' });

    hub.onFile = () => null;
    expect(await run(['models', 'pull', 'maker/large', '--dir', dir])).toMatchObject({ code: 0, end: { path: dir } });
    for (const [name, content] of Object.entries(model.files)) {
      expect(readFileSync(path.join(dir, name)).equals(Buffer.from(content)), name).toBe(true);
    }
    expect((await run(['models', 'list'])).end).toMatchObject({ downloads: [] });
  });

  it('mixes no model with other files, and ends with code 2 and a reason', async () => {
    hub.add(await tinyHubModel());
    const refused = await run(['models', 'pull', 'maker/tiny', '--dir', path.dirname(home)]);
    expect(refused).toMatchObject({ code: 2, end: { code: 'download/folder-in-use' } });
    expect(await run(['models', 'pull', 'maker/none'])).toMatchObject({ code: 2, end: { code: 'hub/not-found' } });
    const unreachable = await run(['models', 'search', 'x'], { HF_ENDPOINT: 'nowhere' });
    expect(unreachable).toMatchObject({ code: 2, end: { code: 'hub/bad-endpoint' } });
  });
});

function readPid(lock: string): number {
  const text = readFileSync(lock, 'utf8');
  return text === '' ? 0 : (JSON.parse(text) as { pid: number }).pid;
}

/** Files that hold the text. */
function findText(folder: string, text: string): string[] {
  const names = readdirSync(folder, { recursive: true }).map((name) => path.join(folder, String(name)));
  return names.filter((file) => statSync(file).isFile() && readFileSync(file).includes(text));
}
