/**
 * @file A run from the beginning, with the configuration of an earlier one.
 */
import type { Client } from '../../src-shared/contract/client.ts';

/** @throws device/busy, run/unknown, config/invalid */
export async function startWithConfigOf(client: Client, run: string): Promise<{ readonly run: string }> {
  const { config } = await client.call('runs:get', { run });
  return client.call('runs:start', { config: await client.call('config:validate', { config }) });
}
