/**
 * @file Core's end of the contract without core: answers that a test gives, pushes that it sends. The client in front of it is the
 * real one, so what is tested is the window's state as it talks in the contract's words.
 */
import { type Channel, type Client, createClient } from '../../../src-shared/contract/client.ts';
import type { MethodInput, MethodName, MethodResult } from '../../../src-shared/contract/contract.ts';
import type { PushEvents, PushName } from '../../../src-shared/contract/events.ts';
import type { FromCore, Hello, PushMessage } from '../../../src-shared/contract/messages.ts';
import { failWith, succeed } from '../../../src-shared/contract/outcome.ts';
import { AppError } from '../../../src-shared/domain/app-error.ts';

export type Answers = {
  [Name in MethodName]?: (args: MethodInput<Name>) => MethodResult<Name> | Promise<MethodResult<Name>>;
};

export interface ScriptedCore {
  readonly client: Client;
  /** Calls that were made, in their order. */
  readonly calls: { readonly method: MethodName; readonly args: unknown }[];
  /** May be changed at any time. */
  readonly answers: Answers;
  push<Name extends PushName>(event: Name, payload: PushEvents[Name]): void;
  /** Another core took over. */
  restart(): void;
  breakConnection(): void;
}

const HELLO: Hello = {
  type: 'hello',
  boot: 'first',
  host: 'browser',
  version: '0.1.0',
  platform: 'linux',
  home: '/home/ada/.local/share/tunesmith',
};

export function createScriptedCore(answers: Answers): ScriptedCore {
  let take: (message: FromCore) => void = () => {};
  let broken: () => void = () => {};
  let boots = 1;
  const calls: ScriptedCore['calls'] = [];
  const channel: Channel = {
    send({ id, method, args }) {
      calls.push({ method: method as MethodName, args });
      const answer = answers[method as MethodName] as ((args: unknown) => unknown) | undefined;
      const result = answer
        ? Promise.resolve().then(() => answer(args))
        : Promise.reject(new AppError('contract/unknown-method', `no answer is scripted for ${method}`));
      void result.then(
        (value) => take({ type: 'reply', id, outcome: succeed(value) }),
        (error: unknown) => take({ type: 'reply', id, outcome: failWith(error) }),
      );
    },
    listen(receiver) {
      ({ take, broken } = receiver);
      queueMicrotask(() => take(HELLO));
    },
    close: () => {},
  };
  return {
    client: createClient(channel),
    calls,
    answers,
    push: (event, payload) => take({ type: 'push', event, payload } as PushMessage),
    restart: () => take({ ...HELLO, boot: `boot ${++boots}` }),
    breakConnection: () => broken(),
  };
}
