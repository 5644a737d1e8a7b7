/**
 * @file The contract over each of its transports, as a window has it: real core, real processes, jobs with fake recipes.
 *
 * The desktop end is Electron's in all but Electron: core is forked and supervised as main does it, and only `ipcMain` and the window
 * are doubles that copy messages as IPC does.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { type Client, createClient } from '../../../src-shared/contract/client.ts';
import { createBridgeChannel } from '../../../src-shared/contract/desktop-bridge.ts';
import type { FromCore } from '../../../src-shared/contract/messages.ts';
import {
  createSocketChannel,
  SOCKET_PATH,
  SOCKET_PROTOCOL,
  type SocketLike,
  TOKEN_PROTOCOL_PREFIX,
} from '../../../src-shared/contract/socket-channel.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import { type CoreSupervisor, superviseCore } from '../../../src-main/app/core-supervisor.ts';
import { CHANNELS } from '../../../src-main/app/preload-channels.ts';
import { type DesktopHandlers, type IpcEnd, serveWindow } from '../../../src-main/app/window-contract.ts';
import { createCore } from '../../../src-main/transport/core.ts';
import { startSocketServer } from '../../../src-main/transport/socket-server.ts';
import type { Behaviour } from '../../unit/jobs/support/fake-recipe.ts';
import { FAKE_ENTRY } from '../../unit/jobs/support/start-fake.ts';

export interface OpenContract {
  readonly client: Client;
  /** As when the page crashes and is loaded anew: another client, and not a word of the first. */
  reload(): Promise<Client>;
  close(): Promise<void>;
}

export interface OpenBrowser extends OpenContract {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  /** Breaks the connection as a lost network does; the client connects again. */
  breakConnection(): void;
}

export interface OpenDesktop extends OpenContract {
  readonly core: CoreSupervisor;
  /** Sends as the given page would. */
  sendAs(sender: string, channel: string, message: unknown): void;
}

export const OWN_PAGE = 'tunesmith://app/index.html';
const CORE_ENTRY = fileURLToPath(new URL('../../../src-main/transport/core-process.ts', import.meta.url));
const PAGES = fileURLToPath(new URL('../fixtures/pages', import.meta.url));

/** @param engine fake = recipes without a model */
export async function openBrowser(
  home: string,
  { engine = 'fake', graceMs }: { engine?: 'fake' | 'real'; graceMs?: number } = {},
): Promise<OpenBrowser> {
  const jobs = engine === 'fake' ? { env: {}, jobEntry: FAKE_ENTRY } : { env: process.env };
  const core = createCore({ home, version: '0.0.0-test', host: 'browser', ...jobs });
  const server = await startSocketServer({ core, pages: PAGES, port: 0, ...(graceMs !== undefined && { graceMs }) });
  const token = new URL(server.url).hash.slice('#token='.length);
  const origin = `http://127.0.0.1:${server.port}`;
  let socket: WebSocket | null = null;
  const open = () => {
    const protocols = [SOCKET_PROTOCOL, `${TOKEN_PROTOCOL_PREFIX}${token}`];
    socket = new WebSocket(`ws://127.0.0.1:${server.port}${SOCKET_PATH}`, protocols, { origin });
    return socket as unknown as SocketLike;
  };
  const connect = async () => {
    const made = createClient(createSocketChannel({ open, later: (work, ms) => setTimeout(work, ms) }));
    await made.ready;
    return made;
  };
  let client = await connect();
  return {
    client,
    async reload() {
      client.close();
      return (client = await connect());
    },
    url: server.url,
    port: server.port,
    token,
    breakConnection: () => socket?.terminate(),
    async close() {
      client.close();
      await server.close();
      await core.close();
    },
  };
}

export async function openDesktop(home: string, desktop: Partial<DesktopHandlers> = {}): Promise<OpenDesktop> {
  const ipc = createIpcDouble();
  let take: (message: FromCore) => void = () => {};
  const core = superviseCore({
    node: process.execPath,
    entry: CORE_ENTRY,
    args: { version: '0.0.0-test', jobEntry: FAKE_ENTRY },
    env: { ...process.env, TUNESMITH_HOME: home },
    onMessage: (message) => tell(message),
    onLog: () => {},
  });
  const tell = serveWindow<string>({
    ipc: ipc.end,
    isTrusted: (sender) => sender === OWN_PAGE,
    core,
    desktop: desktop as DesktopHandlers,
    toWindow: (_channel, message) => take(structuredClone(message)),
  });
  const connect = async () => {
    const made = createClient(
      createBridgeChannel({
        send: (message) => ipc.send(OWN_PAGE, CHANNELS.call, message),
        listen(listener) {
          take = listener;
          ipc.send(OWN_PAGE, CHANNELS.listen, undefined);
        },
        takeFile: async (file) => String(await ipc.invoke(OWN_PAGE, CHANNELS.takePath, file)),
      }),
    );
    await made.ready;
    return made;
  };
  return {
    client: await connect(),
    reload: connect,
    core,
    sendAs: (sender, channel, message) => ipc.send(sender, channel, message),
    close: () => core.close(),
  };
}

/** Copies as Electron's IPC does: what cannot be cloned fails here too. */
function createIpcDouble() {
  const listeners = new Map<string, (sender: string, ...args: unknown[]) => void>();
  const handlers = new Map<string, (sender: string, ...args: unknown[]) => unknown>();
  const end: IpcEnd<string> = {
    on: (channel, listener) => listeners.set(channel, listener),
    handle: (channel, listener) => handlers.set(channel, listener),
  };
  return {
    end,
    send: (sender: string, channel: string, message: unknown) =>
      listeners.get(channel)?.(sender, structuredClone(message)),
    invoke: async (sender: string, channel: string, message: unknown) => handlers.get(channel)?.(sender, message),
  };
}

/** A run of the fake recipe whose model and data lie in the home. */
export function fakeConfig(home: string, behaviour: Behaviour, training: object = {}): RunConfig {
  const [model, data] = [path.join(home, 'models', 'tiny'), path.join(home, 'rows.jsonl')];
  mkdirSync(model, { recursive: true });
  writeFileSync(data, '{"text": "one"}\n');
  return {
    name: behaviour,
    model: { path: model },
    data: { train: [data] },
    quantization: {},
    peft: { r: 4 },
    training: { max_steps: 12, ...training },
  };
}

/** Waits until a look at the client says so; events are what makes it look again. */
export async function until<T>(look: () => Promise<T | null> | T | null, limitMs = 20_000): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error('it did not come to that in time');
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
