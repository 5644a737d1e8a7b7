/**
 * @file Core knows the token of the hub from main alone, and forgets it when it ends: main tells it at each of its starts.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { TokenKeeper } from './token-keeper.ts';

export interface TokenTeller {
  /** @throws hub/bad-token */
  take(token: string | null): Promise<void>;
}

export function tellToken(client: Client, keeper: TokenKeeper): TokenTeller {
  /** One that the system does not keep is still told again when core restarts. */
  let current: { readonly token: string; readonly kept: boolean } | null = null;
  const tell = async () => {
    const stored = current ? null : await keeper.read();
    if (stored !== null) current = { token: stored, kept: true };
    if (current) await client.call('hub:setToken', current);
  };
  const tellQuietly = () => void tell().catch(() => {});
  client.ready.then(tellQuietly, () => {});
  client.onRestart(tellQuietly);
  return {
    async take(token) {
      // What core refuses is not kept.
      await client.call('hub:setToken', { token, kept: false });
      const kept = await keeper.keep(token);
      current = token === null ? null : { token, kept };
      if (current) await client.call('hub:setToken', current);
    },
  };
}
