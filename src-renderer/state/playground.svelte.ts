/**
 * @file Base and tuned model asked the same, side by side. The models are loaded when they are chosen and let go when the view is left;
 * what was said stays.
 */
import type { ChatState } from '../../src-shared/contract/chat-methods.ts';
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { ClassProbability } from '../../src-shared/domain/class-probability.ts';
import type { EvaluatedTask } from '../../src-shared/domain/evaluation.ts';
import { toFailure } from './failure.ts';

export interface Answer {
  readonly text: string;
  readonly state: 'waiting' | 'writing' | 'done' | 'failed';
  readonly stopReason: string | null;
  readonly tokensPerSecond: number | null;
  /** What a classifier says; null where text was written. */
  readonly classes: readonly ClassProbability[] | null;
  readonly failure: PlainError | null;
}

export interface Turn {
  readonly question: string;
  /** By side; a side that was not there then has none. */
  readonly answers: Readonly<Partial<Record<SideName, Answer>>>;
}

export type SideName = 'base' | 'tuned';

/** What is asked: the model as it is, and beside it what a run made of it. */
export interface Subject {
  readonly modelPath: string;
  readonly run: string | null;
  /** null = the finished result. */
  readonly checkpoint: number | null;
  /** What it does with a text; left out = it writes. Of a base model without a head null: it does nothing yet. */
  readonly task?: EvaluatedTask | null;
}

/** Others sort texts or fill in words; the base model beside them could not. */
export const isWriter = ({ task = 'CAUSAL_LM' }: Subject): boolean => task === 'CAUSAL_LM' || task === 'SEQ_2_SEQ_LM';

export interface GenerateSettings {
  readonly temperature: number;
  readonly maxNewTokens: number;
  readonly topP: number;
  readonly seed: number;
  readonly system: string;
  /** Through the chat template, or a text to go on with. */
  readonly mode: 'chat' | 'text';
}

const WAITING: Answer = {
  text: '',
  state: 'waiting',
  stopReason: null,
  tokensPerSecond: null,
  classes: null,
  failure: null,
};

/** One loaded model and what it is writing. */
class Side {
  chat = $state.raw<ChatState | null>(null);
  failure = $state.raw<PlainError | null>(null);
  /** Turn that is being answered, null = none. */
  turn: number | null = null;
  answer: string | null = null;
}

export class Playground {
  subject = $state.raw<Subject | null>(null);
  withBase = $state(true);
  turns = $state.raw<readonly Turn[]>([]);
  settings = $state.raw<GenerateSettings>({
    temperature: 0,
    maxNewTokens: 256,
    topP: 1,
    seed: 42,
    system: '',
    mode: 'chat',
  });
  readonly sides: Readonly<Record<SideName, Side>> = { base: new Side(), tuned: new Side() };
  busy = $state(false);
  /** Training that was paused to make room; it goes on when the models are let go. */
  pausedRun = $state<string | null>(null);
  readonly #client: Client;
  readonly #ends: readonly (() => void)[];

  constructor(client: Client) {
    this.#client = client;
    this.#ends = [
      client.on('chat:changed', (chat) => this.#takeChat(chat)),
      client.on('chat:textAdded', ({ chat, text }) =>
        this.#update(chat, (answer) => ({ ...answer, state: 'writing', text: answer.text + text })),
      ),
      client.onRestart(() => void this.#lookAgain()),
      client.on('chat:answered', ({ chat, outcome }) => {
        if (outcome.ok) {
          const { text, stop_reason: stopReason, tokens_per_second: tokensPerSecond, classes = null } = outcome.value;
          this.#end(chat, (answer) => ({ ...answer, text, stopReason, tokensPerSecond, classes, state: 'done' }));
        } else this.#end(chat, (answer) => ({ ...answer, failure: outcome.error, state: 'failed' }));
      }),
    ];
  }

  /** Sides that take part. */
  get shown(): readonly SideName[] {
    if (!this.subject?.run) return ['base'];
    return this.withBase && isWriter(this.subject) ? ['base', 'tuned'] : ['tuned'];
  }

  /** @param load false: it is loaded by `open`, or with the first question */
  async choose(subject: Subject, load = true): Promise<void> {
    const paused = this.pausedRun;
    await this.close();
    // Core waits a moment before it lets the training go on.
    this.pausedRun = paused;
    this.subject = subject;
    this.turns = [];
    if (load) await this.open();
  }

  async setWithBase(withBase: boolean): Promise<void> {
    this.withBase = withBase;
    if (withBase) await this.open();
    else await this.#closeSide('base');
  }

  /** Loads what is shown and not loaded yet. */
  async open(): Promise<void> {
    await Promise.all(this.shown.map((name) => this.#openSide(name)));
  }

  /** As `open`, after the training of that name was paused for it. What is loaded already stays so. */
  async openInstead(training: string): Promise<void> {
    this.pausedRun = training;
    try {
      if (this.isLoaded) await this.#client.call('chat:makeRoom', {});
      await this.open();
    } finally {
      if (!this.isLoaded) this.pausedRun = null;
    }
  }

  get isLoaded(): boolean {
    return Object.values(this.sides).some(({ chat }) => chat !== null && chat.state !== 'ended');
  }

  /** Lets go of the models' memory; what was said stays. */
  async close(): Promise<void> {
    await Promise.all([this.#closeSide('base'), this.#closeSide('tuned')]);
    this.pausedRun = null;
    this.#settle();
  }

  /** When the view is left for good. */
  dispose(): void {
    for (const end of this.#ends) end();
    void this.close();
  }

  async ask(question: string): Promise<void> {
    const turn = this.turns.length;
    const names = this.shown;
    this.turns = [...this.turns, { question, answers: Object.fromEntries(names.map((name) => [name, WAITING])) }];
    this.busy = true;
    await this.open();
    await Promise.all(names.map((name) => this.#generate(name, turn)));
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.shown.map(async (name) => {
        const { chat, answer } = this.sides[name];
        if (chat && answer) await this.#client.call('chat:stop', { chat: chat.chat, answer });
      }),
    );
  }

  clear(): void {
    this.turns = [];
  }

  async #openSide(name: SideName): Promise<void> {
    const side = this.sides[name];
    const { subject } = this;
    if (subject === null || (side.chat && side.chat.state !== 'ended')) return;
    const { modelPath, run, checkpoint } = subject;
    side.failure = null;
    try {
      const source = run === null ? { model: modelPath } : { tuned: { run, checkpoint, as_base: name === 'base' } };
      side.chat = await this.#client.call('chat:open', { ...source, pause_running: this.pausedRun !== null });
    } catch (error) {
      side.failure = toFailure(error);
    }
  }

  async #closeSide(name: SideName): Promise<void> {
    const side = this.sides[name];
    const { chat } = side;
    side.chat = null;
    side.failure = null;
    if (chat && chat.state !== 'ended') await this.#client.call('chat:close', { chat: chat.chat }).catch(() => {});
  }

  async #generate(name: SideName, turn: number): Promise<void> {
    const side = this.sides[name];
    if (side.chat === null) {
      this.#setAnswer(name, turn, (answer) => ({ ...answer, state: 'failed', failure: side.failure }));
      this.#settle();
      return;
    }
    side.turn = turn;
    side.answer = null;
    const { temperature, maxNewTokens, topP, seed } = this.settings;
    try {
      const { answer } = await this.#client.call('chat:generate', {
        chat: side.chat.chat,
        input: this.#inputOf(name, turn),
        max_new_tokens: maxNewTokens,
        temperature,
        top_p: topP,
        seed,
      });
      side.answer = answer;
    } catch (error) {
      this.#setAnswer(name, turn, (answer) => ({ ...answer, state: 'failed', failure: toFailure(error) }));
      side.turn = null;
      this.#settle();
    }
  }

  /** Each side goes on from its own answers. */
  #inputOf(name: SideName, turn: number) {
    const question = this.turns[turn]?.question ?? '';
    if (this.settings.mode === 'text') return { prompt: question };
    const earlier = this.turns.slice(0, turn).flatMap(({ question: asked, answers }) => {
      const given = answers[name];
      if (given?.state !== 'done') return [];
      return [
        { role: 'user', content: asked },
        { role: 'assistant', content: given.text },
      ];
    });
    const system = this.settings.system.trim() === '' ? [] : [{ role: 'system', content: this.settings.system }];
    return { messages: [...system, ...earlier, { role: 'user', content: question }] };
  }

  #takeChat(chat: ChatState): void {
    for (const side of Object.values(this.sides)) {
      if (side.chat?.chat !== chat.chat) continue;
      side.chat = chat;
      if (chat.state !== 'ended') continue;
      side.failure = chat.error;
      if (!this.isLoaded) this.pausedRun = null;
    }
  }

  /** Core closes the chats of a window that it has not heard of for a while. */
  async #lookAgain(): Promise<void> {
    const known = await this.#client.call('chat:list', {}).catch(() => null);
    if (known === null) return;
    for (const { chat } of Object.values(this.sides)) {
      if (!chat || chat.state === 'ended') continue;
      const now = known.find((open) => open.chat === chat.chat);
      this.#takeChat(now ?? { ...chat, state: 'ended' });
      if (!now) this.#end(chat.chat, (answer) => ({ ...answer, state: 'done', stopReason: 'interrupted' }));
    }
  }

  #update(chat: string, change: (answer: Answer) => Answer): void {
    for (const name of ['base', 'tuned'] as const) {
      const { chat: state, turn } = this.sides[name];
      if (state?.chat === chat && turn !== null) this.#setAnswer(name, turn, change);
    }
  }

  #end(chat: string, change: (answer: Answer) => Answer): void {
    this.#update(chat, change);
    for (const side of Object.values(this.sides)) if (side.chat?.chat === chat) side.turn = null;
    this.#settle();
  }

  #setAnswer(name: SideName, turn: number, change: (answer: Answer) => Answer): void {
    const known = this.turns[turn];
    const answer = known?.answers[name];
    if (!known || !answer) return;
    this.turns = this.turns.with(turn, { ...known, answers: { ...known.answers, [name]: change(answer) } });
  }

  #settle(): void {
    const last = this.turns.at(-1);
    this.busy = Object.values(last?.answers ?? {}).some(({ state }) => state === 'waiting' || state === 'writing');
  }
}
