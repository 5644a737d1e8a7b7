/**
 * @file Chats of the playground: each a loaded model in a process of its own, answering until it is closed.
 */
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { ChatAnswer, ChatAnswered, ChatState } from '../../src-shared/contract/chat-methods.ts';
import { failWith, succeed } from '../../src-shared/contract/outcome.ts';
import type { ModelSource } from '../engine/recipes/contract.ts';
import { toFailure } from '../jobs/failure.ts';
import type { Job } from '../jobs/job-client.ts';
import type { AskRequest } from '../jobs/protocol.ts';
import type { InferenceService } from './inference-service.ts';

export interface ChatListener {
  readonly onChange: (state: ChatState) => void;
  /** Whole characters; several tokens at once where they come fast. */
  readonly onText: (told: { chat: string; answer: string; text: string }) => void;
  readonly onAnswer: (answered: ChatAnswered) => void;
}

export interface ChatService {
  list(): ChatState[];
  /**
   * Answers at once; the listener is told when the model is loaded.
   * @param owner window that talks with it
   */
  open(source: ModelSource, owner: string): ChatState;
  /** @returns the answer's id; text and end come to the listener. @throws chat/unknown */
  generate(chat: string, request: AskRequest): string;
  stop(chat: string, answer: string): void;
  /** Ends the process; nothing happens where it has ended. */
  close(chat: string): Promise<void>;
  /** All chats of a window. */
  closeOf(owner: string): Promise<void>;
  closeAll(): Promise<void>;
}

interface OpenChat {
  state: ChatState;
  readonly owner: string;
  readonly job: Promise<Job<'generate'>>;
  readonly answers: Map<string, AbortController>;
  /** Settles when the process has ended. */
  readonly ended: Promise<void>;
  isClosing: boolean;
}

const TEXT_EVERY_MS = 40;

export function createChatService(inference: InferenceService, listener: ChatListener): ChatService {
  const chats = new Map<string, OpenChat>();

  function change(id: string, changes: Partial<ChatState>): void {
    const chat = chats.get(id);
    if (!chat) return;
    chat.state = { ...chat.state, ...changes };
    if (chat.state.state === 'ended') chats.delete(id);
    listener.onChange(chat.state);
  }

  function find(id: string): OpenChat {
    const chat = chats.get(id);
    if (chat) return chat;
    throw new AppError('chat/unknown', 'This chat is not open any more', { hint: 'Load the model again.' });
  }

  async function answer(id: string, chat: OpenChat, answerId: string, request: AskRequest, signal: AbortSignal) {
    const text = collectText((chunk) => listener.onText({ chat: id, answer: answerId, text: chunk }));
    try {
      const job = await chat.job;
      await job.ready;
      const result: ChatAnswer = await job.ask(request, { signal, onText: text.take });
      text.flush();
      listener.onAnswer({ chat: id, answer: answerId, outcome: succeed(result) });
    } catch (error) {
      text.flush();
      listener.onAnswer({ chat: id, answer: answerId, outcome: failWith(error) });
    } finally {
      chat.answers.delete(answerId);
    }
  }

  async function follow(id: string, started: Promise<Job<'generate'>>): Promise<void> {
    try {
      const job = await started;
      void job.ready.then(
        () => change(id, { state: 'ready', phase: '' }),
        () => {},
      );
      await job.result;
      change(id, { state: 'ended' });
    } catch (error) {
      const failure = toFailure(error);
      const isWished = error instanceof Interrupted || chats.get(id)?.isClosing;
      const plain = failure.kind === 'expected' ? failure.error : failWith(error).error;
      change(id, { state: 'ended', error: isWished ? null : plain });
    }
  }

  async function close(id: string): Promise<void> {
    const chat = chats.get(id);
    if (!chat) return;
    chat.isClosing = true;
    for (const stopping of chat.answers.values()) stopping.abort();
    // A model that is being loaded does not listen; there is nothing of it to save.
    await chat.job.then(
      (job) => job.kill(),
      () => {},
    );
    await chat.ended;
  }

  return {
    list: () => [...chats.values()].map(({ state }) => state),
    open(source, owner) {
      const id = crypto.randomUUID();
      const onEvent = (event: { event: string; phase?: string }) => {
        if (event.event === 'progress') change(id, { phase: event.phase ?? '' });
      };
      const job = inference.openGenerator(source, { onEvent });
      const about = { model_path: source.modelDir, adapter_dir: source.adapterDir };
      const state: ChatState = { chat: id, ...about, state: 'loading', phase: 'Loading the model', error: null };
      const ended = Promise.resolve().then(() => follow(id, job));
      chats.set(id, { state, owner, job, answers: new Map(), ended, isClosing: false });
      return state;
    },
    generate(id, request) {
      const chat = find(id);
      const answerId = crypto.randomUUID();
      const stopping = new AbortController();
      chat.answers.set(answerId, stopping);
      void answer(id, chat, answerId, request, stopping.signal);
      return answerId;
    },
    stop: (id, answerId) => find(id).answers.get(answerId)?.abort(),
    close,
    closeOf: async (owner) => {
      const own = [...chats].filter(([, chat]) => chat.owner === owner);
      await Promise.all(own.map(([id]) => close(id)));
    },
    closeAll: async () => {
      await Promise.all([...chats.keys()].map(close));
    },
  };
}

/** Gathers what comes within a blink into one message. */
function collectText(tell: (text: string) => void): { take: (chunk: string) => void; flush: () => void } {
  let gathered = '';
  let timer: NodeJS.Timeout | null = null;
  const flush = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (gathered !== '') tell(gathered);
    gathered = '';
  };
  return {
    take(chunk) {
      gathered += chunk;
      timer ??= setTimeout(flush, TEXT_EVERY_MS);
    },
    flush,
  };
}
