/**
 * @file The app in a real Electron: it opens, core answers and comes back, and the page can do nothing but what the contract allows.
 */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { DesktopBridge } from '../../src-shared/contract/desktop-bridge.ts';
import { useOneElectron } from './support/one-electron.ts';
import { descendantsOf, isAlive } from './support/processes.ts';

declare const window: { tunesmithDesktop: DesktopBridge; open(url: string): unknown; location: { href: string } };
declare const document: { querySelector(name: string): { files: unknown[] }; body: { append(node: object): void } };

const one = useOneElectron();

/** One call of the contract, made by the page beside the window's own. */
function call(method: string, args: object): Promise<{ ok: boolean; value?: unknown; error?: { code: string } }> {
  return one.open.page.evaluate(
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
    expect(one.open.page.url()).toBe('tunesmith://app/index.html');
    expect(await call('settings:get', {})).toMatchObject({ ok: true, value: { theme: 'system' } });
    expect(await call('files:listFolder', { path: '/etc' })).toMatchObject({ error: { code: 'path/refused' } });
  });

  it('has three functions and no Node', async () => {
    const found = await one.open.page.evaluate(() => ({
      keys: Object.keys(window.tunesmithDesktop),
      node: [typeof (globalThis as never as { require: unknown }).require, typeof process],
    }));
    expect(found).toEqual({ keys: ['send', 'listen', 'takeFile'], node: ['undefined', 'undefined'] });
  });

  it('reaches no network, opens no window, is granted nothing', async () => {
    const tried = await one.open.page.evaluate(async () => {
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
    expect(one.open.app.windows()).toHaveLength(1);
  });

  it('runs no text as a program, frames nothing, and is given no camera and no place', async () => {
    const tried = await one.open.page.evaluate(async () => {
      const attempt = (work: () => Promise<unknown>) =>
        work().then(
          () => 'granted',
          () => 'refused',
        );
      const page = globalThis as never as {
        eval(text: string): unknown;
        navigator: {
          mediaDevices: { getUserMedia(wanted: object): Promise<unknown> };
          geolocation: { getCurrentPosition(done: unknown, refused: unknown): void };
          permissions: { query(what: object): Promise<{ state: string }> };
        };
        document: { createElement(name: string): { src: string; contentWindow: object | null; onload: unknown } };
      };
      const frame = page.document.createElement('iframe');
      const framed = new Promise((resolve) => (frame.onload = resolve));
      frame.src = 'tunesmith://app/index.html';
      document.body.append(frame);
      await framed;
      const inner = await attempt(async () => {
        const { tunesmithDesktop, document: own } = frame.contentWindow as {
          tunesmithDesktop?: object;
          document: { body: { children: { length: number } } };
        };
        if (!tunesmithDesktop && own.body.children.length === 0) throw new Error('empty');
      });
      return {
        text: await attempt(async () => page.eval('1')),
        frame: inner,
        camera: await attempt(() => page.navigator.mediaDevices.getUserMedia({ video: true })),
        place: await attempt(
          () => new Promise((done, refused) => page.navigator.geolocation.getCurrentPosition(done, refused)),
        ),
        clipboard: (await page.navigator.permissions.query({ name: 'clipboard-read' })).state,
      };
    });
    expect(tried).toEqual({
      text: 'refused',
      frame: 'refused',
      camera: 'refused',
      place: 'refused',
      clipboard: 'denied',
    });
  });

  it('comes with a policy, and has nothing outside of its folder', async () => {
    const { policy, outside } = await one.open.page.evaluate(async () => ({
      policy: (await fetch('tunesmith://app/index.html')).headers.get('content-security-policy') ?? '',
      outside: await Promise.all(
        ['%2e%2e/main/index.cjs', '..%2f..%2fpackage.json', '..%5c..%5cpackage.json'].map(
          async (name) => (await fetch(`tunesmith://app/${name}`)).status,
        ),
      ),
    }));
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    expect(outside).toEqual([404, 404, 404]);
  });

  it('names a file by choosing it, and by nothing else', async () => {
    const file = path.join(one.home, '..', `${path.basename(one.home)}-rows.jsonl`);
    writeFileSync(file, '{"text": "one"}\n');
    await one.open.page.evaluate(() => {
      const { document: own } = globalThis as never as {
        document: { createElement(name: string): { type: string; id: string } };
      };
      const input = own.createElement('input');
      input.type = 'file';
      input.id = 'e2e-file';
      document.body.append(input);
    });
    expect(await call('data:inspect', { train: [file] })).toMatchObject({ error: { code: 'path/refused' } });
    await one.open.page.setInputFiles('#e2e-file', file);
    const taken = await one.open.page.evaluate(() =>
      window.tunesmithDesktop.takeFile(document.querySelector('#e2e-file').files[0]),
    );
    expect(taken).toBe(file);
    expect(await call('data:inspect', { train: [file] })).toMatchObject({ ok: true });
    rmSync(file);
    const forged = await one.open.page.evaluate(() =>
      window.tunesmithDesktop.takeFile({ path: '/etc/passwd' }).then(
        () => 'taken',
        () => 'refused',
      ),
    );
    expect(forged).toBe('refused');
  });
});

describe('main', () => {
  it('opens its window with nothing in it that could reach the machine', async () => {
    const settings = await one.open.app.evaluate(({ BrowserWindow }) =>
      (
        BrowserWindow.getAllWindows()[0]?.webContents as unknown as { getLastWebPreferences(): object }
      ).getLastWebPreferences(),
    );
    expect(settings).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
    });
  });

  it('starts core again when it crashes, and the window goes on', async () => {
    const before = one.open.core();
    expect(before).toBeDefined();
    one.open.killCore();
    await expect.poll(() => [undefined, before].includes(one.open.core())).toBe(false);
    await expect.poll(async () => (await call('settings:get', {})).ok).toBe(true);
  });

  it('is one program: a second start brings the window forward and ends', { timeout: 60_000 }, async () => {
    await one.open.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.minimize());
    const { file, args, env } = one.host.command(one.home);
    await promisify(execFile)(file, [...args], { env, timeout: 50_000 });
    expect(one.open.app.windows()).toHaveLength(1);
    const isHidden = () =>
      one.open.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isMinimized() ?? true);
    await expect.poll(isHidden).toBe(false);
  });

  it('keeps the window’s place, and ends core with the app', { timeout: 120_000 }, async () => {
    await one.open.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.setBounds({ x: 40, y: 30, width: 1111, height: 777 }),
    );
    const processes = descendantsOf(one.open.pid);
    await one.open.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close()).catch(() => {});
    await expect.poll(() => processes.filter(isAlive)).toEqual([]);
    one.open = await one.host.open(one.home);
    const bounds = await one.open.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds());
    expect(bounds).toMatchObject({ width: 1111, height: 777 });
  });

  it('lets no page leave for another address', async () => {
    await one.open.page.evaluate(() => void (window.location.href = 'https://example.org/'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const address = await one.open.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.getURL(),
    );
    expect(address).toBe('tunesmith://app/index.html');
  });
});
