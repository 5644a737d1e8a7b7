/**
 * @file A second client beside the window's, to bring about what a test begins with.
 */
import { WebSocket } from 'ws';
import { type Client, createClient } from '../../../src-shared/contract/client.ts';
import {
  createSocketChannel,
  SOCKET_PATH,
  SOCKET_PROTOCOL,
  type SocketLike,
  TOKEN_PROTOCOL_PREFIX,
} from '../../../src-shared/contract/socket-channel.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';

/** @param url as `tunesmith serve` prints it */
export async function connectClient(url: string): Promise<Client> {
  const { host, hash } = new URL(url);
  const protocols = [SOCKET_PROTOCOL, `${TOKEN_PROTOCOL_PREFIX}${hash.slice('#token='.length)}`];
  const open = () =>
    new WebSocket(`ws://${host}${SOCKET_PATH}`, protocols, { origin: `http://${host}` }) as unknown as SocketLike;
  const client = createClient(createSocketChannel({ open, later: (work, ms) => setTimeout(work, ms) }));
  await client.ready;
  return client;
}

/** Runs it to its end, however that is. @returns its id */
export async function runToEnd(client: Client, config: RunConfig): Promise<string> {
  const ended = new Promise<string>((resolve) => {
    const stop = client.on('run:changed', ({ id, name, ended_at }) => {
      if (name !== config.name || ended_at === null) return;
      stop();
      resolve(id);
    });
  });
  await client.call('runs:start', { config });
  return ended;
}
