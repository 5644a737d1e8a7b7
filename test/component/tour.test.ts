/** @file The first look around: place after place, until it was seen or put away. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Settings } from '../../src-shared/schema/settings.ts';
import type { Preferences } from '../../src-renderer/state/preferences.svelte.ts';
import { Tour, TOUR_STOPS } from '../../src-renderer/state/tour.svelte.ts';
import { words } from '../../src-renderer/words/index.ts';

let settings: Pick<Settings, 'tour_seen'>;
const change = vi.fn(async (changes: Partial<Settings>) => {
  settings = { ...settings, ...changes };
});

function open(): Tour {
  const preferences = {
    get settings() {
      return settings;
    },
    change,
  };
  return new Tour(preferences as unknown as Preferences);
}

beforeEach(() => {
  settings = { tour_seen: false };
});

describe('the tour', () => {
  it('shows every place once, and is seen then', async () => {
    const tour = open();
    expect(tour.isOffered).toBe(true);
    expect(tour.stop).toBeNull();
    tour.begin();
    const seen: string[] = [];
    while (tour.stop !== null) {
      seen.push(tour.stop);
      await tour.next();
    }
    expect(seen).toEqual([...TOUR_STOPS]);
    expect(settings.tour_seen).toBe(true);
    expect(Object.keys(words.tour.stops)).toEqual([...TOUR_STOPS]);
  });

  it('goes back, can be put away, and is shown again at wish', async () => {
    const tour = open();
    tour.begin();
    await tour.next();
    tour.back();
    tour.back();
    expect(tour.stop).toBe('runs');
    tour.pause();
    expect(tour.stop).toBeNull();
    await tour.end();
    expect(tour.isOffered).toBe(false);
    await tour.offerAgain();
    expect(tour.isOffered).toBe(true);
    expect(tour.wasAskedFor).toBe(true);
  });
});
