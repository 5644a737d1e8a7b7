/**
 * @file Core as the transports see it: services behind the contract. It checks arguments, runs handlers, and tells all windows.
 */
import path from 'node:path';
import type { Readable } from 'node:stream';
import { type CoreMethodName, coreMethods, isDesktopMethod } from '../../src-shared/contract/contract.ts';
import type { PushEvents, PushName } from '../../src-shared/contract/events.ts';
import type { Hello, PushMessage } from '../../src-shared/contract/messages.ts';
import { CONTRACT_ERRORS, failWith, type Outcome, succeed } from '../../src-shared/contract/outcome.ts';
import type { UploadedFile } from '../../src-shared/contract/socket-channel.ts';
import { AppError, type Fault } from '../../src-shared/domain/app-error.ts';
import { createChatRoom } from '../services/chat-room.ts';
import { createChatService } from '../services/chat-service.ts';
import { createServices, type Services, type ServicesOptions } from '../services/create-services.ts';
import { createEngineMonitor } from '../services/engine-monitor.ts';
import { createRunDirector } from '../services/run-director.ts';
import { createTaskService } from '../services/task-service.ts';
import type { CoreContext, Handlers } from './core-context.ts';
import { chatHandlers } from './handlers/chat-handlers.ts';
import { dataHandlers } from './handlers/data-handlers.ts';
import { hubHandlers } from './handlers/hub-handlers.ts';
import { machineHandlers } from './handlers/machine-handlers.ts';
import { measureHandlers } from './handlers/measure-handlers.ts';
import { runHandlers } from './handlers/run-handlers.ts';
import { createPathGuard } from './path-guard.ts';

export interface CoreOptions extends Pick<ServicesOptions, 'home' | 'env' | 'resources' | 'jobEntry' | 'hubPace'> {
  readonly version: string;
  readonly host: Hello['host'];
  /** Folders that may be looked at and used from the start, absolute paths. */
  readonly folders?: readonly string[];
}

export interface Core {
  readonly hello: Hello;
  /**
   * Never rejects.
   * @param window that asks: what it alone needs ends with it
   */
  call(method: string, args: unknown, window: string): Promise<Outcome<unknown>>;
  /** It is gone for good: its chats are closed, and a training that was paused for them goes on. */
  windowLeft(window: string): void;
  /** @returns ends the listening */
  onPush(listener: (message: PushMessage) => void): () => void;
  /** A path that the person chose by other means than a call. */
  allowPath(file: string): void;
  /** A data file that a browser sends. @throws upload/… , disk/no-space */
  takeUpload(name: string, sizeBytes: number, content: Readable): Promise<UploadedFile>;
  /** Pauses what is at work, closes the history. */
  close(): Promise<void>;
}

export function createCore(options: CoreOptions): Core {
  const { home, version, host, folders = [] } = options;
  const listeners = new Set<(message: PushMessage) => void>();
  const push = <Name extends PushName>(event: Name, payload: PushEvents[Name]) => {
    // The union of all pairs cannot be followed by the compiler from here.
    const message = { type: 'push', event, payload } as unknown as PushMessage;
    for (const listener of listeners) listener(message);
  };
  const context = createContext(options, push, [path.resolve(home), ...folders]);
  const handlers: Handlers = {
    ...machineHandlers(context),
    ...dataHandlers(context),
    ...hubHandlers(context),
    ...measureHandlers(context),
    ...runHandlers(context),
    ...chatHandlers(context),
  };
  const boot = crypto.randomUUID();
  return {
    hello: { type: 'hello', boot, host, version, platform: process.platform, home: path.resolve(home) },
    call(method, args, window) {
      context.windows.add(window);
      return callHandler(handlers, method, args, window);
    },
    windowLeft(window) {
      context.windows.delete(window);
      void context.chats.closeOf(window);
    },
    onPush(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    allowPath: (file) => context.guard.allow(file),
    takeUpload: (name, sizeBytes, content) => context.services.data.keepUpload(name, sizeBytes, content),
    async close() {
      await Promise.all([context.chats.closeAll(), context.tasks.close(), context.director.close()]);
      await context.services.close();
    },
  };
}

function createContext(options: CoreOptions, push: CoreContext['push'], places: readonly string[]): CoreContext {
  const { home, env, resources, jobEntry, hubPace, folders = [] } = options;
  const onNotice = ({ code, message, values }: PushEvents['notice:told']) =>
    push('notice:told', { code, message, ...(values && { values }) });
  const tellWork = () => {
    const running = tasks.list().filter(({ state }) => state === 'running').length;
    push('work:changed', { training: director.active().length > 0, tasks: running });
  };
  const tellRun = async (run: string) => {
    const summary = await services.library.summary(run);
    if (summary) push('run:changed', summary);
    else push('runs:moved', { runs: [run] });
  };
  const directed = createRunDirector({
    onEvents: (run, events) => push('run:eventsReported', { run, events }),
    onProgress: (state) => push('run:progressed', state),
    onRunChanged(run) {
      background(tellRun(run), onNotice);
      background(tellQueue(), onNotice);
      tellWork();
    },
    onQueueChanged: () => background(tellQueue(), onNotice),
    onNotice,
  });
  const services: Services = createServices({
    home,
    env,
    resources,
    jobEntry,
    ...(hubPace && { hubPace }),
    onNotice,
    observer: directed.observer,
    onDownload: (download) => push('download:changed', download),
    onDownloadEnd(id, model) {
      push('download:ended', { id, model });
      if (model) push('models:changed', { reason: 'downloaded' });
    },
  });
  const tasks = createTaskService((task) => {
    push('task:changed', task);
    tellWork();
  });
  const chats = createChatService(services.inference, {
    onChange(state) {
      push('chat:changed', state);
      if (state.state === 'ended') chatRoom.look();
    },
    onText: (told) => push('chat:textAdded', told),
    onAnswer: (answered) => push('chat:answered', answered),
  });
  const director = directed.direct(services);
  const chatRoom = createChatRoom(chats, director.lend);
  const tellQueue = async () => push('queue:changed', await director.queue());
  const guard = createPathGuard(services, folders);
  return {
    services,
    engine: createEngineMonitor(home, services.weightCache),
    director,
    tasks,
    chats,
    chatRoom,
    windows: new Set(),
    guard,
    places,
    push,
    tellRun,
  };
}

async function callHandler(
  handlers: Handlers,
  method: string,
  args: unknown,
  window: string,
): Promise<Outcome<unknown>> {
  try {
    if (isDesktopMethod(method)) throw desktopOnly();
    if (!isCoreMethod(method)) throw new AppError(CONTRACT_ERRORS.unknownMethod, `There is no method "${method}"`);
    const parsed = coreMethods[method].args.safeParse(args);
    if (!parsed.success) throw badArguments(method, parsed.error.issues);
    const handler = handlers[method] as (checked: unknown, window: string) => unknown;
    return succeed(await handler(parsed.data, window));
  } catch (error) {
    return failWith(error);
  }
}

function isCoreMethod(name: string): name is CoreMethodName {
  return Object.hasOwn(coreMethods, name);
}

function desktopOnly(): AppError {
  return new AppError(CONTRACT_ERRORS.desktopOnly, 'This needs the desktop app', {
    hint: 'In the browser, upload files instead and look for folders in the list.',
  });
}

function badArguments(method: string, issues: readonly { path: PropertyKey[]; message: string }[]): AppError {
  const faults = issues.map(({ path: at, message }): Fault => ({ field: at.map(String).join('.'), message }));
  const list = faults.map(({ field, message }) => `${field || 'arguments'}: ${message}`).join('; ');
  return new AppError(CONTRACT_ERRORS.badArguments, `${method}: ${list}`, { faults });
}

/** Work that nobody waits for: what goes wrong is told, not thrown. */
function background(work: Promise<unknown>, onNotice: (notice: PushEvents['notice:told']) => void): void {
  work.catch((error: unknown) => {
    const { code, message } = failWith(error).error;
    onNotice({ code, message });
  });
}
