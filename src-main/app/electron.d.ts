/**
 * @file The part of Electron that the app uses, as types. Electron itself is no package of this repository: its binary comes from
 * outside (scripts/start.mjs looks for it), and these hold for Electron 25 to 45.
 */
declare module 'electron' {
  export interface Rectangle {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }

  export interface WebFrameMain {
    readonly url: string;
    readonly processId: number;
    readonly routingId: number;
  }

  export interface IpcMainEvent {
    /** null once the frame is gone. */
    readonly senderFrame: WebFrameMain | null;
  }

  export interface PreventableEvent {
    preventDefault(): void;
  }

  export interface WebContents {
    readonly mainFrame: WebFrameMain;
    readonly session: Session;
    send(channel: string, ...args: unknown[]): void;
    isDestroyed(): boolean;
    setWindowOpenHandler(handler: () => { action: 'deny' }): void;
    on(
      event: 'will-navigate' | 'will-redirect' | 'will-attach-webview',
      listener: (event: PreventableEvent) => void,
    ): void;
    on(event: 'render-process-gone', listener: (event: unknown, details: { readonly reason: string }) => void): void;
    reload(): void;
  }

  export const safeStorage: {
    isEncryptionAvailable(): boolean;
    /** Linux alone. */
    getSelectedStorageBackend?(): string;
    encryptString(text: string): Uint8Array;
    decryptString(bytes: Uint8Array): string;
  };

  export interface Session {
    setPermissionRequestHandler(
      handler: (contents: unknown, permission: string, callback: (granted: boolean) => void) => void,
    ): void;
    setPermissionCheckHandler(handler: () => boolean): void;
    setDevicePermissionHandler(handler: () => boolean): void;
    on(event: 'will-download', listener: (event: PreventableEvent) => void): void;
    readonly webRequest: {
      onBeforeRequest(
        listener: (details: { readonly url: string }, callback: (response: { cancel: boolean }) => void) => void,
      ): void;
    };
  }

  export interface BrowserWindowOptions extends Partial<Rectangle> {
    readonly minWidth?: number;
    readonly minHeight?: number;
    readonly show?: boolean;
    readonly title?: string;
    readonly backgroundColor?: string;
    readonly autoHideMenuBar?: boolean;
    readonly webPreferences?: {
      readonly preload?: string;
      readonly contextIsolation?: boolean;
      readonly sandbox?: boolean;
      readonly nodeIntegration?: boolean;
      readonly webSecurity?: boolean;
      readonly webviewTag?: boolean;
      readonly spellcheck?: boolean;
      readonly backgroundThrottling?: boolean;
    };
  }

  export class BrowserWindow {
    constructor(options: BrowserWindowOptions);
    readonly webContents: WebContents;
    loadURL(url: string): Promise<void>;
    show(): void;
    focus(): void;
    restore(): void;
    isMinimized(): boolean;
    isMaximized(): boolean;
    isFocused(): boolean;
    isDestroyed(): boolean;
    maximize(): void;
    close(): void;
    destroy(): void;
    getNormalBounds(): Rectangle;
    setProgressBar(fraction: number): void;
    on(event: 'close', listener: (event: PreventableEvent) => void): void;
    once(event: 'ready-to-show' | 'closed', listener: () => void): void;
  }

  export interface OpenDialogOptions {
    readonly title?: string;
    readonly properties?: readonly ('openFile' | 'openDirectory' | 'multiSelections' | 'createDirectory')[];
    readonly filters?: readonly { readonly name: string; readonly extensions: readonly string[] }[];
  }

  export const dialog: {
    showOpenDialog(
      window: BrowserWindow,
      options: OpenDialogOptions,
    ): Promise<{ readonly canceled: boolean; readonly filePaths: readonly string[] }>;
    showSaveDialog(
      window: BrowserWindow,
      options: { readonly defaultPath?: string },
    ): Promise<{ readonly canceled: boolean; readonly filePath?: string }>;
    showMessageBox(
      window: BrowserWindow,
      options: {
        readonly type: 'question';
        readonly message: string;
        readonly detail: string;
        readonly buttons: readonly string[];
        readonly defaultId: number;
        readonly cancelId: number;
      },
    ): Promise<{ readonly response: number }>;
    showErrorBox(title: string, content: string): void;
  };

  export const app: {
    getAppPath(): string;
    getVersion(): string;
    setName(name: string): void;
    setPath(name: 'userData', folder: string): void;
    requestSingleInstanceLock(): boolean;
    enableSandbox(): void;
    whenReady(): Promise<void>;
    quit(): void;
    exit(code: number): void;
    on(event: 'second-instance' | 'window-all-closed' | 'activate', listener: () => void): void;
    on(event: 'before-quit', listener: (event: PreventableEvent) => void): void;
    on(event: 'web-contents-created', listener: (event: unknown, contents: WebContents) => void): void;
    readonly commandLine: { hasSwitch(name: string): boolean };
  };

  export const protocol: {
    registerSchemesAsPrivileged(
      schemes: readonly {
        readonly scheme: string;
        readonly privileges: {
          readonly standard: boolean;
          readonly secure: boolean;
          readonly supportFetchAPI: boolean;
        };
      }[],
    ): void;
    handle(
      scheme: string,
      handler: (request: { readonly url: string; readonly method: string }) => Promise<Response>,
    ): void;
  };

  export const ipcMain: {
    on(channel: string, listener: (event: IpcMainEvent, ...args: unknown[]) => void): void;
    handle(channel: string, listener: (event: IpcMainEvent, ...args: unknown[]) => unknown): void;
  };

  export const screen: { getAllDisplays(): readonly { readonly workArea: Rectangle }[] };
  export const shell: { showItemInFolder(path: string): void };
  export const clipboard: { writeText(text: string): void };
  export const nativeTheme: { themeSource: 'system' | 'light' | 'dark'; readonly shouldUseDarkColors: boolean };
  export const powerSaveBlocker: {
    start(type: 'prevent-app-suspension'): number;
    stop(id: number): void;
  };

  export class Notification {
    constructor(options: { readonly title: string; readonly body: string });
    static isSupported(): boolean;
    on(event: 'click' | 'close' | 'failed', listener: () => void): void;
    show(): void;
  }

  export type MenuItem =
    | { readonly role: string }
    | { readonly type: 'separator' }
    | { readonly label: string; readonly submenu: readonly MenuItem[] };
  export const Menu: {
    buildFromTemplate(items: readonly MenuItem[]): unknown;
    setApplicationMenu(menu: unknown): void;
  };

  export const contextBridge: { exposeInMainWorld(name: string, value: object): void };
  export const ipcRenderer: {
    send(channel: string, ...args: unknown[]): void;
    invoke(channel: string, ...args: unknown[]): Promise<unknown>;
    on(channel: string, listener: (event: unknown, ...args: unknown[]) => void): void;
  };
  /** Since Electron 29; before, a File of the page had its path as a property. */
  export const webUtils: { getPathForFile(file: unknown): string } | undefined;
}
