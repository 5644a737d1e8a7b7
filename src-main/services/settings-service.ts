/**
 * @file Keeps the settings of the program; what there is to set stands in src-shared/schema/settings.ts.
 */
import { AppError } from '../../src-shared/domain/app-error.ts';
import { type Settings, settingsChangesSchema, settingsSchema } from '../../src-shared/schema/settings.ts';
import { readSettings, writeSetting } from '../store/settings.ts';
import type { History } from './history.ts';

export type { Settings };

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
    const valid = stored.filter(([key, value]) => settingsChangesSchema.safeParse({ [key]: value }).success);
    return settingsSchema.parse(Object.fromEntries(valid));
  }

  return {
    read,
    async change(changes) {
      const parsed = settingsChangesSchema.safeParse(changes);
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
