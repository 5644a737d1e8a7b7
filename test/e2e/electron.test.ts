/**
 * @file The app in a real Electron: it opens, core answers and comes back, and the page can do nothing but what the contract allows.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DesktopBridge } from '../../src-shared/contract/desktop-bridge.ts';
import { type ElectronBench, type OpenApp, prepareElectron } from './support/electron-app.ts';

declare const window: { tunesmithDesktop: DesktopBridge; open(url: string): unknown; location: { href: string } };
declare const document: { querySelector(name: string): { files: unknown[] }; body: { append(node: object): void } };

let bench: ElectronBench;
let home = '';
let open: OpenApp;

beforeAll(async () => {
  bench = await prepareElectron();
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-e2e-'));
  open = await bench.open(home);
}, 300_000);
afterAll(async () => {
  await open.close();
  bench.dispose();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** One call of the contract, made by the page beside the window's own. */
function call(method: string, args: object): Promise<{ ok: boolean; value?: unknown; error?: { code: string } }> {
  return open.page.evaluate(
    ({ method: name, args: given }) => {
      const { tunesmithDesktop: bridge } = window;
      const id = `test.${Math.random()}`;
      return new Promise<never>((resolve) => {
        bridge.listen((message) => {
          if (message.type === 'reply' && message.id === id) resolve(message.outcome as never);
        });
        bridge.send({ type: 'call', id, method: name, args: given });
      });
    },
    { method, args },
  );
}

describe('the page', () => {
  it('opens, and core answers it over IPC', async () => {
    expect(open.page.url()).toBe('tunesmith://app/index.html');
    expect(await call('settings:get', {})).toMatchObject({ ok: true, value: { theme: 'system' } });
    expect(await call('files:listFolder', { path: '/etc' })).toMatchObject({ error: { code: 'path/refused' } });
  });

  it('has three functions and no Node', async () => {
    const found = await open.page.evaluate(() => ({
      keys: Object.keys(window.tunesmithDesktop),
      node: [typeof (globalThis as never as { require: unknown }).require, typeof process],
    }));
    expect(found).toEqual({ keys: ['send', 'listen', 'takeFile'], node: ['undefined', 'undefined'] });
  });

  it('reaches no network, opens no window, is granted nothing', async () => {
    const tried = await open.page.evaluate(async () => {
      const page = globalThis as never as { Notification: { requestPermission(): Promise<string> } };
      const image = (source: string) =>
        new Promise((resolve) => {
          const { Image } = globalThis as never as {
            Image: new () => { onload: unknown; onerror: unknown; src: string };
          };
          const picture = new Image();
          picture.onload = () => resolve('loaded');
          picture.onerror = () => resolve('refused');
          picture.src = source;
        });
      return {
        fetch: await fetch('https://example.org/').then(
          () => 'fetched',
          () => 'refused',
        ),
        image: await image('http://127.0.0.1:1/x.png'),
        opened: window.open('https://example.org/'),
        permission: await page.Notification.requestPermission(),
        inline: (() => {
          const own = globalThis as never as {
            document: { createElement(name: string): { textContent: string } };
            ran?: boolean;
          };
          const script = own.document.createElement('script');
          script.textContent = 'globalThis.ran = true';
          document.body.append(script);
          return own.ran === true ? 'ran' : 'refused';
        })(),
      };
    });
    expect(tried).toEqual({
      fetch: 'refused',
      image: 'refused',
      opened: null,
      permission: 'denied',
      inline: 'refused',
    });
    expect(open.app.windows()).toHaveLength(1);
  });

  it('names a file by choosing it, and by nothing else', async () => {
    const file = path.join(home, '..', `${path.basename(home)}-rows.jsonl`);
    writeFileSync(file, '{"text": "one"}\n');
    await open.page.evaluate(() => {
      const { document: own } = globalThis as never as {
        document: { createElement(name: string): { type: string; id: string } };
      };
      const input = own.createElement('input');
      input.type = 'file';
      input.id = 'e2e-file';
      document.body.append(input);
    });
    expect(await call('data:inspect', { train: [file] })).toMatchObject({ error: { code: 'path/refused' } });
    await open.page.setInputFiles('#e2e-file', file);
    const taken = await open.page.evaluate(() =>
      window.tunesmithDesktop.takeFile(document.querySelector('#e2e-file').files[0]),
    );
    expect(taken).toBe(file);
    expect(await call('data:inspect', { train: [file] })).toMatchObject({ ok: true });
    rmSync(file);
    const forged = await open.page.evaluate(() =>
      window.tunesmithDesktop.takeFile({ path: '/etc/passwd' }).then(
        () => 'taken',
        () => 'refused',
      ),
    );
    expect(forged).toBe('refused');
  });
});

describe('main', () => {
  it('starts core again when it crashes, and the window goes on', async () => {
    const children = () =>
      readFileSync(`/proc/${open.pid}/task/${open.pid}/children`, 'utf8').trim().split(' ').map(Number);
    const isCore = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('core-process');
    const before = children().find(isCore);
    expect(before).toBeDefined();
    process.kill(before ?? 0, 'SIGKILL');
    await expect.poll(() => children().find((pid) => pid !== before && isCore(pid)), { timeout: 20_000 }).toBeDefined();
    await expect.poll(async () => (await call('settings:get', {})).ok, { timeout: 20_000 }).toBe(true);
  });

  it('keeps the window’s place, and ends core with the app', async () => {
    await open.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.setBounds({ x: 40, y: 30, width: 1111, height: 777 }),
    );
    const main = open.pid;
    const core = readFileSync(`/proc/${main}/task/${main}/children`, 'utf8').trim().split(' ').map(Number);
    await open.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close()).catch(() => {});
    await expect.poll(() => core.filter(isAlive), { timeout: 30_000 }).toEqual([]);
    open = await bench.open(home);
    const bounds = await open.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds());
    expect(bounds).toMatchObject({ width: 1111, height: 777 });
  }, 120_000);

  it('lets no page leave for another address', async () => {
    await open.page.evaluate(() => void (window.location.href = 'https://example.org/'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const address = await open.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.getURL(),
    );
    expect(address).toBe('tunesmith://app/index.html');
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
