/**
 * @file The first look around: which place it shows now. It is kept with the settings whether it was seen or put away.
 */
import type { Preferences } from './preferences.svelte.ts';

export const TOUR_STOPS = ['runs', 'new', 'models', 'playground', 'queue', 'settings'] as const;
export type TourStop = (typeof TOUR_STOPS)[number];

export class Tour {
  /** null before it was begun. */
  #index = $state<number | null>(null);
  /** Asked for in the settings: then it is shown beside a history too. */
  wasAskedFor = $state(false);
  readonly #preferences: Preferences;

  constructor(preferences: Preferences) {
    this.#preferences = preferences;
  }

  /** It was neither seen nor put away. */
  get isOffered(): boolean {
    return this.#preferences.settings?.tour_seen === false;
  }

  /** The place that is shown; null while the tour is not under way. */
  get stop(): TourStop | null {
    return this.#index === null || !this.isOffered ? null : (TOUR_STOPS[this.#index] ?? null);
  }

  /** From 1. */
  get position(): number {
    return (this.#index ?? 0) + 1;
  }

  get isLast(): boolean {
    return this.#index === TOUR_STOPS.length - 1;
  }

  begin(): void {
    this.#index = 0;
  }

  back(): void {
    this.#index = Math.max(0, (this.#index ?? 0) - 1);
  }

  /** Beyond the last place it ends. */
  async next(): Promise<void> {
    if (this.isLast) await this.end();
    else this.#index = (this.#index ?? -1) + 1;
  }

  /** The page that tells of it is left; it can be begun again. */
  pause(): void {
    this.#index = null;
  }

  async end(): Promise<void> {
    this.#index = null;
    this.wasAskedFor = false;
    await this.#preferences.change({ tour_seen: true });
  }

  /** At the person's wish, from the settings. */
  async offerAgain(): Promise<void> {
    await this.#preferences.change({ tour_seen: false });
    this.wasAskedFor = true;
  }
}
