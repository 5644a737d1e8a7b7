/**
 * @file Keeps the token of the hub for the next start, encrypted by the system (keychain), and tells it to core. Where the system has no
 * such place the token lives in core's memory alone.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface TokenKeeper {
  /** @returns true where it will be there at the next start */
  keep(token: string | null): Promise<boolean>;
  /** The one of an earlier start; null where there is none, or it cannot be read any more. */
  read(): Promise<string | null>;
}

/** What is used of Electron's safeStorage. */
export interface Vault {
  isEncryptionAvailable(): boolean;
  getSelectedStorageBackend?(): string;
  encryptString(text: string): Uint8Array;
  decryptString(bytes: Uint8Array): string;
}

export function createTokenKeeper(folder: string, vault: Vault): TokenKeeper {
  const file = path.join(folder, 'hub-token');
  // Linux without a keyring encrypts with a key that everybody knows.
  const isSafe = () => vault.isEncryptionAvailable() && vault.getSelectedStorageBackend?.() !== 'basic_text';
  return {
    async keep(token) {
      await rm(file, { force: true });
      if (token === null || token.trim() === '' || !isSafe()) return false;
      await mkdir(folder, { recursive: true });
      await writeFile(file, vault.encryptString(token.trim()), { mode: 0o600 });
      return true;
    },
    async read() {
      const bytes = await readFile(file).catch(() => null);
      if (bytes === null || !isSafe()) return null;
      try {
        return vault.decryptString(bytes);
      } catch {
        return null; // of another user or keychain: it is given again
      }
    },
  };
}
