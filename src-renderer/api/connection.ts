/**
 * @file The window's way to core: Electron's bridge where there is one, else a WebSocket to the server that served this page.
 *
 * Everything above this file is the same in both. What differs is how a file of the person's gets a path that core may read: the
 * desktop tells its path, a browser uploads it.
 */
import { BRIDGE_NAME, createBridgeChannel, type DesktopBridge } from '../../src-shared/contract/desktop-bridge.ts';
import { type Client, createClient } from '../../src-shared/contract/client.ts';
import { type Outcome, unwrap } from '../../src-shared/contract/outcome.ts';
import {
  createSocketChannel,
  SOCKET_PATH,
  SOCKET_PROTOCOL,
  TOKEN_FRAGMENT,
  TOKEN_HEADER,
  TOKEN_PROTOCOL_PREFIX,
  UPLOAD_PATH,
  type UploadedFile,
} from '../../src-shared/contract/socket-channel.ts';

export interface Connection {
  readonly client: Client;
  /** @returns a path that core may read. @throws AppError where the file is refused or cannot be sent */
  takeFile(file: File): Promise<string>;
}

/** Where the token of this launch is kept while the tab lives, so that a reload finds it. */
const TOKEN_KEY = 'tunesmith.token';

/** @returns null in a browser that was opened without this launch's token: nothing can be asked then */
export function connect(): Connection | null {
  const bridge = (window as unknown as Partial<Record<typeof BRIDGE_NAME, DesktopBridge>>)[BRIDGE_NAME];
  return bridge ? connectDesktop(bridge) : connectBrowser();
}

function connectDesktop(bridge: DesktopBridge): Connection {
  return { client: createClient(createBridgeChannel(bridge)), takeFile: (file) => bridge.takeFile(file) };
}

function connectBrowser(): Connection | null {
  const token = readToken();
  if (token === null) return null;
  const address = new URL(SOCKET_PATH, location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const channel = createSocketChannel({
    open: () => new WebSocket(address, [SOCKET_PROTOCOL, TOKEN_PROTOCOL_PREFIX + token]),
    later: (work, ms) => setTimeout(work, ms),
  });
  return { client: createClient(channel), takeFile: (file) => upload(file, token) };
}

/** Takes the token out of the address, so that it is not shown, bookmarked or shared. */
function readToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get(TOKEN_FRAGMENT);
  if (given === null) return sessionStorage.getItem(TOKEN_KEY);
  sessionStorage.setItem(TOKEN_KEY, given);
  history.replaceState(null, '', location.pathname);
  return given;
}

async function upload(file: File, token: string): Promise<string> {
  const response = await fetch(`${UPLOAD_PATH}?name=${encodeURIComponent(file.name)}`, {
    method: 'POST',
    headers: { [TOKEN_HEADER]: token },
    body: file,
  });
  return unwrap((await response.json()) as Outcome<UploadedFile>).path;
}
