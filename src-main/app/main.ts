/**
 * @file Electron's main process: one window, and a hold on core, which does the work in a process of its own under Node 24.
 */
import { app, type BrowserWindow, dialog, ipcMain, safeStorage } from 'electron';
import path from 'node:path';
import { createClient } from '../../src-shared/contract/client.ts';
import type { FromCore } from '../../src-shared/contract/messages.ts';
import { findBundledNode, homeFolder } from '../services/app-paths.ts';
import { type Attention, payAttention } from './attention.ts';
import { type CoreSupervisor, superviseCore } from './core-supervisor.ts';
import { createDesktopHandlers } from './desktop-handlers.ts';
import { createElectronDesktop } from './electron-desktop.ts';
import { openMainWindow } from './main-window.ts';
import { setMenu } from './menu.ts';
import { registerPageScheme, servePages } from './page-protocol.ts';
import { comesFrom, guardPages } from './window-guard.ts';
import { createTokenKeeper } from './token-keeper.ts';
import { tellToken } from './tell-token.ts';
import { serveWindow } from './window-contract.ts';
import { words } from './words.ts';

const appRoot = app.getAppPath();
const home = homeFolder(process.env);
/** Of the browser engine; one per home, so that two homes are two programs. */
const windowFolder = path.join(home, 'window');

app.setName(words.appName);
app.setPath('userData', windowFolder);
// Chromium's own sandbox refuses to work for root, as containers are; pages have no Node either way.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
registerPageScheme();

if (app.requestSingleInstanceLock()) void app.whenReady().then(start);
else app.quit();

function start(): void {
  const { resourcesPath } = process as { readonly resourcesPath?: string };
  const node = findBundledNode(appRoot, resourcesPath, process.env);
  if (node === null) {
    dialog.showErrorBox(words.noNodeTitle, words.noNode);
    return app.exit(3);
  }
  guardPages();
  servePages(path.join(appRoot, 'out', 'renderer'));
  setMenu();

  let window: BrowserWindow | null = null;
  let attention: Attention | null = null;
  const listeners: ((message: FromCore) => void)[] = [];
  const core = superviseCore({
    node,
    entry: path.join(appRoot, 'src-main', 'transport', 'core-process.ts'),
    args: { version: app.getVersion() },
    env: coreEnvironment(),
    onMessage: (message) => listeners.forEach((listener) => listener(message)),
    onLog: (line) => process.stderr.write(`${line}\n`),
  });
  const currentWindow = () => (window && !window.isDestroyed() ? window : null);
  const open = () => {
    window = openMainWindow({
      preload: path.join(appRoot, 'out', 'preload', 'preload.cjs'),
      placeFile: path.join(windowFolder, 'place.json'),
      isTraining: () => attention?.isTraining() ?? false,
    });
  };
  open();
  const own = createOwnClient(core, listeners);
  const tokens = tellToken(own, createTokenKeeper(windowFolder, safeStorage));
  listeners.push(
    serveWindow({
      ipc: ipcMain,
      isTrusted: (event) => comesFromWindow(currentWindow(), event),
      core,
      desktop: createDesktopHandlers({
        window: () => requireWindow(currentWindow()),
        allowPath: (file) => core.allowPath(file),
        keepToken: (token) => tokens.take(token),
      }),
      toWindow: (channel, message) => currentWindow()?.webContents.send(channel, message),
    }),
  );
  const comeToPerson = () => comeForward(currentWindow());
  attention = payAttention(own, createElectronDesktop(currentWindow, comeToPerson));
  app.on('second-instance', comeToPerson);
  app.on('activate', () => currentWindow() ?? open());
  app.on('window-all-closed', () => app.quit());
  endInOrder(core);
}

/** Main's own calls, beside those of the window. */
function createOwnClient(core: CoreSupervisor, listeners: ((message: FromCore) => void)[]) {
  return createClient({
    send: (message) => core.send(message),
    listen: ({ take }) => void listeners.push(take),
    close: () => {},
  });
}

/** Core pauses what is at work before the program is gone. */
function endInOrder(core: CoreSupervisor): void {
  let isEnding = false;
  app.on('before-quit', (event) => {
    event.preventDefault();
    if (isEnding) return;
    isEnding = true;
    void core.close().finally(() => app.exit(0));
  });
}

function comesFromWindow(window: BrowserWindow | null, event: Parameters<typeof comesFrom>[1]): boolean {
  return window !== null && comesFrom(window.webContents, event);
}

function requireWindow(window: BrowserWindow | null): BrowserWindow {
  if (!window) throw new Error('internal: a page without a window asked for a dialog');
  return window;
}

function comeForward(window: BrowserWindow | null): void {
  if (window?.isMinimized()) window.restore();
  window?.show();
  window?.focus();
}

/**
 * Electron's own switches mean nothing to Node, or something else. Core and jobs run from sources: what Node makes of them is kept for
 * the next start, which is sooner there by it.
 */
function coreEnvironment(): NodeJS.ProcessEnv {
  const { ELECTRON_RUN_AS_NODE: _asNode, NODE_OPTIONS: _options, ...env } = process.env;
  return { NODE_COMPILE_CACHE: path.join(windowFolder, 'compile'), ...env, TUNESMITH_HOME: home };
}
