/**
 * @file The window's end of the contract, over any channel: typed calls, events, and what happens when the connection or core goes away.
 *
 * A call that is open while the connection is lost waits and is sent again under its id, which core does only once. If core itself
 * was restarted meanwhile, what the call did is not known: it fails with core/restarted, and `onRestart` tells the screens to read
 * everything anew.
 */
import { AppError, assertNever } from '../domain/app-error.ts';
import type { Task, TaskKind, TaskResults, TaskStarted } from '../domain/tasks.ts';
import type { MethodInput, MethodName, MethodResult } from './contract.ts';
import type { PushEvents, PushName } from './events.ts';
import type { CallMessage, FromCore, Hello, PushMessage, ToCore } from './messages.ts';
import { CONTRACT_ERRORS, type Outcome, unwrap } from './outcome.ts';

/** A way to core that may break and mend itself. */
export interface Channel {
  /** Dropped where the channel is broken; the client sends again. */
  send(message: ToCore): void;
  /** The one receiver. `broken` = messages are dropped from now on; a `hello` says that it is mended. */
  listen(receiver: { readonly take: (message: FromCore) => void; readonly broken: () => void }): void;
  close(): void;
}

/** connecting: no answer yet; ready; reconnecting: it was ready; lost: core is gone for good. */
export type ClientStatus = 'connecting' | 'ready' | 'reconnecting' | 'lost';
export type Unsubscribe = () => void;

export interface Client {
  /** @throws AppError */
  call<Name extends MethodName>(name: Name, input: MethodInput<Name>): Promise<MethodResult<Name>>;
  on<Name extends PushName>(event: Name, listener: (payload: PushEvents[Name]) => void): Unsubscribe;
  status(): ClientStatus;
  onStatus(listener: (status: ClientStatus) => void): Unsubscribe;
  /** The connection was mended, or core restarted: events may have been missed, read again what is shown. */
  onRestart(listener: () => void): Unsubscribe;
  /** Resolves with the first `hello`. */
  readonly ready: Promise<Hello>;
  /**
   * Waits for a task that was started.
   * @throws AppError as the task failed; work/interrupted where it was cancelled
   */
  follow<Kind extends TaskKind>(
    started: TaskStarted<Kind>,
    onProgress?: (task: Task<Kind>) => void,
  ): Promise<TaskResults[Kind]>;
  close(): void;
}

interface OpenCall {
  readonly message: CallMessage;
  readonly settle: (outcome: Outcome<unknown>) => void;
}

export function createClient(channel: Channel): Client {
  return new ChannelClient(channel).client;
}

class ChannelClient {
  readonly client: Client;
  readonly #channel: Channel;
  readonly #session = `${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
  readonly #calls = new Map<string, OpenCall>();
  readonly #events = new Map<PushName, Set<(payload: never) => void>>();
  readonly #statusListeners = new Set<(status: ClientStatus) => void>();
  readonly #restartListeners = new Set<() => void>();
  readonly #ready: Promise<Hello>;
  #resolveReady: (hello: Hello) => void = () => {};
  #rejectReady: (error: AppError) => void = () => {};
  #status: ClientStatus = 'connecting';
  #lostReason = '';
  #boot: string | null = null;
  #count = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    // It may be lost before anybody waits for it.
    this.#ready.catch(() => {});
    this.client = {
      call: (name, input) => this.#call(name, input) as never,
      on: (event, listener) => this.#on(event, listener),
      status: () => this.#status,
      onStatus: (listener) => subscribe(this.#statusListeners, listener),
      onRestart: (listener) => subscribe(this.#restartListeners, listener),
      ready: this.#ready,
      follow: (started, onProgress) => this.#follow(started, onProgress),
      close: () => channel.close(),
    };
    channel.listen({ take: (message) => this.#take(message), broken: () => this.#break() });
  }

  #call(method: MethodName, args: unknown): Promise<unknown> {
    if (this.#status === 'lost') return Promise.reject(coreLost(this.#lostReason));
    const id = `${this.#session}.${++this.#count}`;
    const message: CallMessage = { type: 'call', id, method, args };
    return new Promise((resolve, reject) => {
      const settle = (outcome: Outcome<unknown>) => {
        this.#calls.delete(id);
        try {
          resolve(unwrap(outcome));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#calls.set(id, { message, settle });
      if (this.#status === 'ready') this.#channel.send(message);
    });
  }

  #take(message: FromCore): void {
    switch (message.type) {
      case 'hello':
        return this.#greet(message);
      case 'reply':
        return this.#calls.get(message.id)?.settle(message.outcome);
      case 'push':
        return this.#tell(message);
      case 'lost':
        return this.#lose(message.reason);
      default:
        return assertNever(message);
    }
  }

  #greet(hello: Hello): void {
    const before = this.#boot;
    this.#boot = hello.boot;
    const open = [...this.#calls.values()];
    // Calls made before the first greeting were never sent; those of an earlier core are lost.
    if (before !== null && before !== hello.boot) open.forEach(({ settle }) => settle(restarted()));
    else open.forEach(({ message }) => this.#channel.send(message));
    this.#setStatus('ready');
    this.#resolveReady(hello);
    if (before !== null) for (const listener of this.#restartListeners) listener();
  }

  #break(): void {
    if (this.#status === 'ready') this.#setStatus('reconnecting');
  }

  #lose(reason: string): void {
    this.#lostReason = reason;
    this.#setStatus('lost');
    const { code, kind, message, hint } = coreLost(reason);
    for (const { settle } of this.#calls.values()) {
      settle({ ok: false, error: { code, kind, message, hint, faults: [] } });
    }
    this.#rejectReady(coreLost(reason));
  }

  #on<Name extends PushName>(event: Name, listener: (payload: PushEvents[Name]) => void): Unsubscribe {
    const listeners = this.#events.get(event) ?? new Set();
    this.#events.set(event, listeners);
    return subscribe(listeners, listener as (payload: never) => void);
  }

  #tell({ event, payload }: PushMessage): void {
    for (const listener of this.#events.get(event) ?? []) listener(payload as never);
  }

  #setStatus(status: ClientStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    for (const listener of this.#statusListeners) listener(status);
  }

  #follow<Kind extends TaskKind>(
    { task: id }: TaskStarted<Kind>,
    onProgress: (task: Task<Kind>) => void = () => {},
  ): Promise<TaskResults[Kind]> {
    return new Promise((resolve, reject) => {
      const stop = () => unsubscribe.forEach((end) => end());
      const take = (task: Task) => {
        if (task.id !== id) return;
        onProgress(task as Task<Kind>);
        if (task.state === 'running') return;
        stop();
        if (task.state === 'done') resolve(task.result as TaskResults[Kind]);
        else reject(task.error ? new AppError(task.error.code, task.error.message, task.error) : cancelled());
      };
      const look = () => {
        this.client.call('tasks:get', { task: id }).then(take, (error: unknown) => {
          stop();
          reject(error instanceof Error ? error : new Error(String(error)));
        });
      };
      // It may have ended before we listened, or while the connection was broken.
      const unsubscribe = [this.client.on('task:changed', take), this.client.onRestart(look)];
      look();
    });
  }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): Unsubscribe {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function restarted(): Outcome<never> {
  const message = 'The part of Tunesmith that does the work was restarted while this was being done';
  const hint = 'Look whether it was done, and do it again if not. Runs that were cut off can be resumed.';
  const error = { code: CONTRACT_ERRORS.coreRestarted, kind: 'environment' as const, message, hint, faults: [] };
  return { ok: false, error };
}

function coreLost(reason: string): AppError {
  return new AppError(CONTRACT_ERRORS.coreFailed, `The part of Tunesmith that does the work has ended: ${reason}`, {
    kind: 'environment',
    hint: 'Close Tunesmith and start it again. Runs that were cut off can be resumed.',
  });
}

function cancelled(): AppError {
  return new AppError(CONTRACT_ERRORS.interrupted, 'It was cancelled');
}
