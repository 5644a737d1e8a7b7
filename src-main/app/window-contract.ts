/**
 * @file The contract over Electron's IPC, main's end: checks who sends, answers what only main can do, passes the rest on to core.
 *
 * `ipcMain` and the window come in as the few functions that are used, so that the same code is tested without Electron.
 */
import {
  type DesktopMethodName,
  isDesktopMethod,
  type MethodArgs,
  type MethodResult,
  methods,
} from '../../src-shared/contract/contract.ts';
import { type CallMessage, type FromCore, windowOf } from '../../src-shared/contract/messages.ts';
import { CONTRACT_ERRORS, failWith, type Outcome, succeed } from '../../src-shared/contract/outcome.ts';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { readCall } from '../transport/call-once.ts';
import type { CoreSupervisor } from './core-supervisor.ts';
import { CHANNELS } from './preload-channels.ts';

/** The part of `ipcMain` that is used. */
export interface IpcEnd<Event> {
  on(channel: string, listener: (event: Event, ...args: unknown[]) => void): void;
  handle(channel: string, listener: (event: Event, ...args: unknown[]) => unknown): void;
}

export type DesktopHandlers = {
  readonly [Name in DesktopMethodName]: (args: MethodArgs<Name>) => MethodResult<Name> | Promise<MethodResult<Name>>;
};

export interface WindowContractOptions<Event> {
  readonly ipc: IpcEnd<Event>;
  /** True for our own window's own page. */
  readonly isTrusted: (event: Event) => boolean;
  readonly core: Pick<CoreSupervisor, 'hello' | 'lostReason' | 'send' | 'windowLeft' | 'allowPath'>;
  readonly desktop: DesktopHandlers;
  /** Sends to the window, if there is one. */
  readonly toWindow: (channel: string, message: FromCore) => void;
}

/** @returns takes what core says */
export function serveWindow<Event>(options: WindowContractOptions<Event>): (message: FromCore) => void {
  const { ipc, isTrusted, core, desktop, toWindow } = options;
  const tell = (message: FromCore) => toWindow(CHANNELS.told, message);
  const trusted =
    (work: (...args: unknown[]) => void) =>
    (event: Event, ...args: unknown[]) => {
      if (isTrusted(event)) work(...args);
    };
  /** Names of the page that is shown now. */
  const current = new Set<string>();
  ipc.on(
    CHANNELS.listen,
    trusted(() => {
      // Another page, after the one before crashed or was loaded anew.
      for (const window of current) core.windowLeft(window);
      current.clear();
      const hello = core.hello();
      const lost = core.lostReason();
      if (hello) tell(hello);
      else if (lost !== null) tell({ type: 'lost', reason: lost });
    }),
  );
  ipc.on(
    CHANNELS.call,
    trusted((message) => {
      const call = readCall(message);
      if (!call) return;
      current.add(windowOf(call));
      if (!isDesktopMethod(call.method)) return core.send(call);
      void answerHere(desktop, call).then((outcome) => tell({ type: 'reply', id: call.id, outcome }));
    }),
  );
  ipc.handle(CHANNELS.takePath, (event, path) => {
    if (!isTrusted(event) || typeof path !== 'string' || path === '') throw new Error('refused');
    core.allowPath(path);
    return path;
  });
  return tell;
}

async function answerHere(desktop: DesktopHandlers, { method, args }: CallMessage): Promise<Outcome<unknown>> {
  try {
    if (!isDesktopMethod(method)) throw new Error(`internal: ${method} is core's`);
    const parsed = methods[method].args.safeParse(args);
    if (!parsed.success) throw new AppError(CONTRACT_ERRORS.badArguments, `${method}: ${parsed.error.message}`);
    const handler = desktop[method] as (checked: unknown) => unknown;
    return succeed(await handler(parsed.data));
  } catch (error) {
    return failWith(error);
  }
}
