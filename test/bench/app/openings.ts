/**
 * @file How soon screens are there: the history of thousands of runs, the page of a long run, the first view of a fresh window.
 */
import type { Page } from 'playwright-core';
import { quantile } from '../statistics.ts';

export interface OpeningTimes {
  readonly what: string;
  readonly times: number;
  readonly medianMs: number;
  readonly mostMs: number;
}

/** Describes times that were measured elsewhere. */
export function describeOpenings(what: string, times: readonly number[]): OpeningTimes {
  return { what, times: times.length, medianMs: quantile(times, 0.5), mostMs: Math.max(...times) };
}

/** From a click on `link` until `sign` is on the screen and painted, by the page's own clock. */
export async function timeClick(page: Page, link: string, sign: string): Promise<number> {
  return page.evaluate(
    ({ link: from, sign: to }) => {
      interface Element {
        click(): void;
      }
      const { document: own } = globalThis as unknown as { document: { querySelector(name: string): Element | null } };
      const { requestAnimationFrame: nextFrame } = globalThis as unknown as {
        requestAnimationFrame: (work: () => void) => void;
      };
      const startMs = performance.now();
      own.querySelector(from)?.click();
      return new Promise<number>((resolve) => {
        const look = (): void => {
          if (own.querySelector(to) === null) return nextFrame(look);
          nextFrame(() => resolve(performance.now() - startMs));
        };
        look();
      });
    },
    { link, sign },
  );
}

/** When the page last painted its largest part, milliseconds after the window began to load it. */
export function readLargestPaint(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        interface Observer {
          observe(options: object): void;
        }
        const { PerformanceObserver: Watching } = globalThis as unknown as {
          PerformanceObserver: new (take: (list: { getEntries(): { startTime: number }[] }) => void) => Observer;
        };
        const watching = new Watching((list) => resolve(list.getEntries().at(-1)?.startTime ?? NaN));
        watching.observe({ type: 'largest-contentful-paint', buffered: true });
      }),
  );
}
