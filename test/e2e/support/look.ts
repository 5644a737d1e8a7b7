/**
 * @file What a screen must satisfy wherever it is: no violation that axe knows, nothing wider than the window. And its picture.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SCREENS = path.resolve(import.meta.dirname, '../../../test-results/screens');
const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 700 },
] as const;

interface AxeWindow {
  readonly axe: {
    run(options: object): Promise<{
      violations: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[];
    }>;
  };
}

/** @returns one line for each violation; empty where there is none */
export async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as AxeWindow;
    return (await axe.run({ resultTypes: ['violations'] })).violations;
  });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`),
  );
}

/** Elements that stick out of the window at the sides, where nobody finds them, and parts that lie over their neighbours. */
export function findOverflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const { document: own, innerWidth } = globalThis as unknown as {
      document: {
        querySelectorAll(name: string): Iterable<Found>;
        documentElement: { scrollWidth: number; clientWidth: number };
      };
      innerWidth: number;
    };
    interface Found {
      readonly tagName: string;
      readonly className: unknown;
      readonly parentElement: Found | null;
      getBoundingClientRect(): { left: number; right: number; width: number };
      closest(name: string): Found | null;
    }
    const { scrollWidth, clientWidth } = own.documentElement;
    if (scrollWidth > clientWidth) found.push(`the page: ${scrollWidth} of ${clientWidth}`);
    for (const element of own.querySelectorAll('main button, main a, main input, main select, main h1, main h2')) {
      const { left, right, width } = element.getBoundingClientRect();
      const mayScroll = element.closest('[tabindex="0"][role="region"], .table') !== null;
      if (width > 0 && !mayScroll && (left < 0 || right > innerWidth)) {
        found.push(`${element.tagName} ${String(element.className)}: ${left} to ${right} of ${innerWidth}`);
      }
    }
    for (const part of own.querySelectorAll('main section, main figure, main .card')) {
      const { right } = part.getBoundingClientRect();
      const limit = part.parentElement?.getBoundingClientRect().right ?? right;
      if (right > limit + 1)
        found.push(`${part.tagName} ${String(part.className)}: to ${right}, its place ends at ${limit}`);
    }
    return found;
  });
}

/**
 * Looks at a screen as it is in light and dark, in a usual window and in a small one, and keeps the pictures in test-results/screens.
 * Without motion: transitions must be over before colours are measured.
 * @returns what is wrong, one line each; empty where nothing is
 */
export async function examine(page: Page, name: string): Promise<string[]> {
  const found: string[] = [];
  mkdirSync(SCREENS, { recursive: true });
  for (const { width, height } of SIZES) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await twoFrames(page);
      const file = `${name}-${colorScheme}-${width}`;
      await page.screenshot({ path: path.join(SCREENS, `${file}.png`) });
      const wrong = [...(await findViolations(page)), ...(await findOverflow(page))];
      found.push(...wrong.map((what) => `${file}: ${what}`));
    }
  }
  return found;
}

/** Charts and icons take their new colours a frame later. */
function twoFrames(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { requestAnimationFrame: next } = globalThis as unknown as {
      requestAnimationFrame: (work: () => void) => void;
    };
    return new Promise<void>((resolve) => next(() => next(resolve)));
  });
}
