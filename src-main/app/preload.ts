/**
 * @file Runs sandboxed between page and main: gives the page three functions and no Node.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { BRIDGE_NAME, type DesktopBridge } from '../../src-shared/contract/desktop-bridge.ts';
import type { FromCore } from '../../src-shared/contract/messages.ts';
import { CHANNELS } from './preload-channels.ts';

let take: (message: FromCore) => void = () => {};
ipcRenderer.on(CHANNELS.told, (_event, message) => take(message as FromCore));

const bridge: DesktopBridge = {
  send: (message) => ipcRenderer.send(CHANNELS.call, message),
  listen(receiver) {
    take = receiver;
    ipcRenderer.send(CHANNELS.listen);
  },
  // The path is read here, where a page cannot make one up, and told to main.
  takeFile: async (file) => String(await ipcRenderer.invoke(CHANNELS.takePath, pathOf(file))),
};

contextBridge.exposeInMainWorld(BRIDGE_NAME, bridge);

/** @throws for anything but a file that the browser itself has made: a page could write any path into an object of its own */
function pathOf(file: unknown): string {
  const { File: BrowserFile } = globalThis as unknown as { readonly File: new () => object };
  if (!(file instanceof BrowserFile)) throw new TypeError('not a file');
  if (webUtils) return webUtils.getPathForFile(file);
  const { path } = file as { readonly path?: unknown };
  return typeof path === 'string' ? path : '';
}
