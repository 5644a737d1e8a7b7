/**
 * @file The one window.
 */
import { app, BrowserWindow, dialog, nativeTheme, screen } from 'electron';
import { START_PAGE } from './page-protocol.ts';
import { readWindowPlace, writeWindowPlace } from './window-state.ts';
import { words } from './words.ts';

export interface MainWindowOptions {
  /** Built preload. */
  readonly preload: string;
  /** File that keeps the window's place. */
  readonly placeFile: string;
  /** Asked when the person closes the window: true if a run is at work. */
  readonly isTraining: () => boolean;
}

const MIN_WIDTH = 800;
const MIN_HEIGHT = 600;
/** The page's own first colours, so that nothing flashes before it is drawn. */
const BACKGROUND = { light: '#f7f7f5', dark: '#17181a' } as const;

export function openMainWindow({ preload, placeFile, isTraining }: MainWindowOptions): BrowserWindow {
  const screens = screen.getAllDisplays().map(({ workArea }) => workArea);
  const { isMaximized, ...place } = readWindowPlace(placeFile, screens);
  const window = new BrowserWindow({
    ...place,
    minWidth: MIN_WIDTH,
    minHeight: MIN_HEIGHT,
    show: false,
    title: words.appName,
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      // Its dictionaries would be fetched from the network.
      spellcheck: false,
    },
  });
  if (isMaximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  let mayClose = false;
  window.on('close', (event) => {
    writeWindowPlace(placeFile, { ...window.getNormalBounds(), isMaximized: window.isMaximized() });
    if (mayClose || !isTraining()) return;
    event.preventDefault();
    void askToQuit(window).then((isSure) => {
      mayClose = isSure;
      if (isSure) app.quit();
    });
  });
  // A page that crashed is loaded again; core and its runs do not notice.
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason !== 'clean-exit' && !window.isDestroyed()) window.webContents.reload();
  });
  void window.loadURL(START_PAGE);
  return window;
}

async function askToQuit(window: BrowserWindow): Promise<boolean> {
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: words.quitTitle,
    detail: words.quitDetail,
    buttons: [words.pauseAndQuit, words.keepRunning],
    defaultId: 1,
    cancelId: 1,
  });
  return response === 0;
}
