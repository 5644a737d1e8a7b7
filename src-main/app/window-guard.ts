/**
 * @file What no page in this app may do: leave for another address, open windows, ask for permissions, download, reach the network.
 */
import { app, type IpcMainEvent, type Session, type WebContents } from 'electron';
import { isOwnAddress } from './page-protocol.ts';

/** Addresses that a page may use besides its own files: pictures and downloads that it made itself, and the developer tools. */
const LOCAL_SCHEMES = /^(?:blob:|data:|devtools:|chrome-extension:)/;

/** Guards every page that is ever made. Call it before the first window. */
export function guardPages(): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    for (const name of ['will-navigate', 'will-redirect', 'will-attach-webview'] as const) {
      contents.on(name, (event) => event.preventDefault());
    }
    guardSession(contents.session);
  });
}

/** True for a message of the given page's own top frame, showing our own page. */
export function comesFrom(contents: WebContents, { senderFrame }: IpcMainEvent): boolean {
  if (senderFrame === null || contents.isDestroyed()) return false;
  const { mainFrame } = contents;
  const isTop = senderFrame.processId === mainFrame.processId && senderFrame.routingId === mainFrame.routingId;
  return isTop && isOwnAddress(senderFrame.url);
}

function guardSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, callback) => callback(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event) => event.preventDefault());
  session.webRequest.onBeforeRequest(({ url }, callback) => {
    callback({ cancel: !isOwnAddress(url) && !LOCAL_SCHEMES.test(url) });
  });
}
