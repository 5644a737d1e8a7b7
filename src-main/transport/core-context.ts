/**
 * @file What the handlers of the contract work with, and their types: a method without a handler does not compile.
 */
import type { CoreMethodName, MethodArgs, MethodResult } from '../../src-shared/contract/contract.ts';
import type { PushEvents, PushName } from '../../src-shared/contract/events.ts';
import type { ChatRoom } from '../services/chat-room.ts';
import type { ChatService } from '../services/chat-service.ts';
import type { Services } from '../services/create-services.ts';
import type { EngineMonitor } from '../services/engine-monitor.ts';
import type { RunDirector } from '../services/run-director.ts';
import type { TaskService } from '../services/task-service.ts';
import type { PathGuard } from './path-guard.ts';

export interface CoreContext {
  readonly services: Services;
  readonly engine: EngineMonitor;
  readonly director: RunDirector;
  readonly tasks: TaskService;
  readonly chats: ChatService;
  /** For chats that want a training to be paused. */
  readonly chatRoom: ChatRoom;
  /** Windows that are there, by their names. */
  readonly windows: Set<string>;
  readonly guard: PathGuard;
  /** Places of the folder picker in browser mode, absolute paths. */
  readonly places: readonly string[];
  readonly push: <Name extends PushName>(event: Name, payload: PushEvents[Name]) => void;
  /** Tells all windows how a run is now. */
  readonly tellRun: (run: string) => Promise<void>;
}

/** Arguments are checked before a handler sees them; beside them it is told which window asks. */
export type Handlers<Name extends CoreMethodName = CoreMethodName> = {
  readonly [Method in Name]: (
    args: MethodArgs<Method>,
    window: string,
  ) => MethodResult<Method> | Promise<MethodResult<Method>>;
};

/** The handlers of one area: `HandlersOf<'runs' | 'queue'>`. */
export type HandlersOf<Area extends string> = Handlers<Extract<CoreMethodName, `${Area}:${string}`>>;
