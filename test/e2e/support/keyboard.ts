/**
 * @file The app as somebody has it who uses no mouse.
 */
import type { Locator, Page } from 'playwright-core';

const MOST_TABS = 90;

/** Presses Tab until the element of that role and name has the focus. @throws where no Tab leads to it */
export function tabTo(page: Page, role: Parameters<Page['getByRole']>[0], name: string | RegExp): Promise<void> {
  return tabToElement(page, page.getByRole(role, { name }).first());
}

/** @throws where no Tab leads to it */
export async function tabToElement(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let pressed = 0; pressed < MOST_TABS; pressed++) {
    if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no Tab leads to ${String(target)}`);
}

/** Presses the button or follows the link of that name. */
export async function press(page: Page, role: 'button' | 'link', name: string | RegExp): Promise<void> {
  await tabTo(page, role, name);
  await page.keyboard.press('Enter');
}
