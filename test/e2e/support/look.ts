/**
 * @file What a screen must satisfy wherever it is: no violation that axe knows, nothing wider than the window. And its picture.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SCREENS = path.resolve(import.meta.dirname, '../../../test-results/screens');
/** Transitions must be over before colours are measured. */
const SETTLE_MS = 250;

interface AxeWindow {
  readonly axe: {
    run(options: object): Promise<{
      violations: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[];
    }>;
  };
}

/** @returns one line for each violation; empty where there is none */
export async function findViolations(page: Page): Promise<string[]> {
  await page.waitForTimeout(SETTLE_MS);
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as AxeWindow;
    return (await axe.run({ resultTypes: ['violations'] })).violations;
  });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`),
  );
}

/** Elements that stick out of the window at the sides, where nobody finds them. */
export function findOverflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const { document: own, innerWidth } = globalThis as unknown as {
      document: { querySelectorAll(name: string): Iterable<Found>; documentElement: { scrollWidth: number } };
      innerWidth: number;
    };
    interface Found {
      readonly tagName: string;
      readonly className: unknown;
      getBoundingClientRect(): { left: number; right: number; width: number };
      closest(name: string): Found | null;
    }
    for (const element of own.querySelectorAll('main button, main a, main input, main select, main h1, main h2')) {
      const { left, right, width } = element.getBoundingClientRect();
      const mayScroll = element.closest('[tabindex="0"][role="region"], .table') !== null;
      if (width > 0 && !mayScroll && (left < 0 || right > innerWidth)) {
        found.push(`${element.tagName} ${String(element.className)}: ${left} to ${right} of ${innerWidth}`);
      }
    }
    return found;
  });
}

/** Keeps the picture in test-results/screens. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENS, { recursive: true });
  await page.waitForTimeout(SETTLE_MS);
  await page.screenshot({ path: path.join(SCREENS, `${name}.png`) });
}
