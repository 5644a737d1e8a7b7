/**
 * @file How long a server that fails, or asks to wait, is waited for: longer each time, and not for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';

export interface Pace {
  /** First pause after a failure; each further one is twice as long. */
  readonly firstMs: number;
  readonly mostMs: number;
  /** Failures in a row, without anything that came between them, after which it is given up. */
  readonly failures: number;
  /** Longest silence of a connection. */
  readonly idleMs: number;
  /** A server that asks for a longer pause than this is not waited for. */
  readonly mostAskedMs: number;
}

export const USUAL_PACE: Pace = { firstMs: 500, mostMs: 30_000, failures: 6, idleMs: 30_000, mostAskedMs: 300_000 };

/** Something that may be over in a moment. */
export class Passing extends Error {
  /** What is said where it does not pass. */
  readonly final: AppError;
  /** The pause that the server asked for. */
  readonly askedMs: number | null;

  constructor(final: AppError, askedMs: number | null = null) {
    super(final.message, { cause: final });
    this.name = 'Passing';
    this.final = final;
    this.askedMs = askedMs;
  }
}

/** A server that keeps asking for pauses is not waited for more often than this. */
const MOST_ASKED = 20;

export interface PatienceOptions {
  readonly pace: Pace;
  readonly signal?: AbortSignal | undefined;
  /** Told why nothing comes, null when it goes on. */
  readonly onWait?: ((reason: string | null) => void) | undefined;
}

/** Counts the failures of one piece of work. */
export class Patience {
  readonly #options: PatienceOptions;
  #failures = 0;
  #asked = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Something came: what failed before does not count any more. */
  restore(): void {
    this.#failures = 0;
  }

  /** Waits before the next try. @throws the final error where there is none, Interrupted */
  async wait({ final, askedMs }: Passing): Promise<void> {
    const { pace, signal, onWait } = this.#options;
    if (askedMs === null) this.#failures++;
    else this.#asked++;
    const isOver = this.#failures >= pace.failures || this.#asked > MOST_ASKED || (askedMs ?? 0) > pace.mostAskedMs;
    if (isOver) throw final;
    const doubled = Math.min(pace.mostMs, pace.firstMs * 2 ** (this.#failures - 1));
    // Several files that failed together do not come back together.
    const pauseMs = askedMs ?? doubled * (0.75 + Math.random() / 2);
    onWait?.(`${final.message}; next try in ${Math.max(1, Math.round(pauseMs / 1000))} s`);
    await sleep(pauseMs, undefined, signal && { signal }).catch(() => {
      throw new Interrupted();
    });
    onWait?.(null);
  }
}

/** Does the work, again where it fails in passing. @throws the final error, Interrupted */
export async function withPatience<T>(options: PatienceOptions, work: () => Promise<T>): Promise<T> {
  const patience = new Patience(options);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      await patience.wait(error);
    }
  }
}
