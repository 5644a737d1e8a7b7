/**
 * @file Settings of the program: each has a type and a value that holds until the person chooses another.
 */
import { z } from 'zod';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { readSettings, writeSetting } from '../store/settings.ts';
import type { History } from './history.ts';

const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  /** A message of the desktop when a run has ended. */
  notify_when_done: z.boolean().default(true),
});

export type Settings = z.infer<typeof settingsSchema>;

export interface SettingsService {
  read(): Promise<Settings>;
  /** @throws settings/invalid */
  change(changes: Partial<Settings>): Promise<Settings>;
}

export function createSettingsService(history: History): SettingsService {
  /** A stored value that is no longer known or valid gives way to the default. */
  async function read(): Promise<Settings> {
    const stored = [...readSettings(await history.open())].map(([key, text]): [string, unknown] => [
      key,
      JSON.parse(text),
    ]);
    const valid = stored.filter(([key, value]) => settingsSchema.partial().safeParse({ [key]: value }).success);
    return settingsSchema.parse(Object.fromEntries(valid));
  }

  return {
    read,
    async change(changes) {
      const parsed = settingsSchema.partial().safeParse(changes);
      if (!parsed.success) {
        const faults = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
        throw new AppError('settings/invalid', faults.map(({ field, message }) => `${field}: ${message}`).join('; '), {
          faults,
          hint: 'Choose one of the offered values.',
        });
      }
      const db = await history.open();
      for (const [key, value] of Object.entries(changes)) writeSetting(db, key, JSON.stringify(value), Date.now());
      return read();
    },
  };
}
