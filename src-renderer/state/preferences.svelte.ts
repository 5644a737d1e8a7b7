/**
 * @file The person's settings, kept by core; the theme is put on the document here.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { Settings } from '../../src-shared/schema/settings.ts';

const DARK = matchMedia('(prefers-color-scheme: dark)');
/** The choice of the last visit, so that the first picture already has its colours. */
const THEME_KEY = 'tunesmith.theme';

export class Preferences {
  settings = $state.raw<Settings | null>(null);
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
    client.on('settings:changed', (settings) => this.#take(settings));
    DARK.addEventListener('change', () => applyTheme(this.settings?.theme ?? readStoredTheme()));
  }

  async refresh(): Promise<void> {
    this.#take(await this.#client.call('settings:get', {}));
  }

  async change(changes: Partial<Settings>): Promise<void> {
    this.#take(await this.#client.call('settings:change', changes));
  }

  #take(settings: Settings): void {
    this.settings = settings;
    localStorage.setItem(THEME_KEY, settings.theme);
    applyTheme(settings.theme);
  }
}

/** Before anything is drawn. */
export function applyStoredTheme(): void {
  applyTheme(readStoredTheme());
}

function readStoredTheme(): Settings['theme'] {
  const stored = localStorage.getItem(THEME_KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

function applyTheme(theme: Settings['theme']): void {
  const isDark = theme === 'dark' || (theme === 'system' && DARK.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
}
