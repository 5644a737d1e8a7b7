import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Client } from '../../../src-shared/contract/client.ts';
import { tellToken } from '../../../src-main/app/tell-token.ts';
import { createTokenKeeper, type Vault } from '../../../src-main/app/token-keeper.ts';

/** A vault that turns bytes round, which is no plain text either. */
const VAULT: Vault = {
  isEncryptionAvailable: () => true,
  getSelectedStorageBackend: () => 'gnome_libsecret',
  encryptString: (text) => Buffer.from(text).map((byte) => byte ^ 255),
  decryptString: (bytes) => Buffer.from(bytes.map((byte) => byte ^ 255)).toString(),
};

let folder = '';
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-token-'))));
afterEach(() => rmSync(folder, { recursive: true }));

it('keeps a token encrypted, gives it back, and forgets it', async () => {
  const keeper = createTokenKeeper(folder, VAULT);
  expect(await keeper.read()).toBeNull();
  expect(await keeper.keep(' hf_secret ')).toBe(true);
  expect(readFileSync(path.join(folder, 'hub-token')).includes('hf_secret')).toBe(false);
  expect(await createTokenKeeper(folder, VAULT).read()).toBe('hf_secret');
  expect(await keeper.keep(null)).toBe(false);
  expect(await keeper.read()).toBeNull();
});

it('writes nothing where the system can only pretend to encrypt', async () => {
  for (const vault of [
    { ...VAULT, isEncryptionAvailable: () => false },
    { ...VAULT, getSelectedStorageBackend: () => 'basic_text' },
  ]) {
    expect(await createTokenKeeper(folder, vault).keep('hf_secret')).toBe(false);
    expect(existsSync(path.join(folder, 'hub-token'))).toBe(false);
  }
});

it('tells core at each of its starts, also a token that is not kept', async () => {
  const told: unknown[] = [];
  let restart = () => {};
  const client = {
    ready: Promise.resolve({}),
    call: (_name: string, input: unknown) => Promise.resolve(void told.push(input)),
    onRestart: (listener: () => void) => (restart = listener),
  } as unknown as Client;
  const keeper = createTokenKeeper(folder, { ...VAULT, isEncryptionAvailable: () => false });
  const teller = tellToken(client, keeper);
  await teller.take('hf_secret');
  told.length = 0;
  restart();
  await expect.poll(() => told).toEqual([{ token: 'hf_secret', kept: false }]);
});
