/**
 * @file What the window asks of the desktop: dialogs, the clipboard, the file manager.
 */
import { type BrowserWindow, clipboard, dialog, shell } from 'electron';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DesktopHandlers } from './window-contract.ts';
import { words } from './words.ts';

export interface DesktopOptions {
  readonly window: () => BrowserWindow;
  /** Told of every path that the person chose. */
  readonly allowPath: (path: string) => void;
  /** Keeps the token, or forgets it, and tells core. @throws hub/bad-token */
  readonly keepToken: (token: string | null) => Promise<void>;
}

const DATA_EXTENSIONS = ['jsonl', 'ndjson', 'json', 'csv', 'tsv', 'tab', 'txt', 'md', 'parquet', 'xlsx'];

export function createDesktopHandlers({ window, allowPath, keepToken }: DesktopOptions): DesktopHandlers {
  const allowAll = (files: readonly string[]) => {
    files.forEach(allowPath);
    return files;
  };
  return {
    async 'desktop:pickFiles'() {
      const { filePaths } = await dialog.showOpenDialog(window(), {
        title: words.pickData,
        properties: ['openFile', 'multiSelections'],
        filters: [
          { name: words.dataFiles, extensions: DATA_EXTENSIONS },
          { name: words.allFiles, extensions: ['*'] },
        ],
      });
      return allowAll(filePaths);
    },
    async 'desktop:pickFolder'({ title }) {
      const { filePaths } = await dialog.showOpenDialog(window(), {
        title,
        properties: ['openDirectory', 'createDirectory'],
      });
      return allowAll(filePaths)[0] ?? null;
    },
    async 'desktop:saveText'({ name, text }) {
      const { filePath } = await dialog.showSaveDialog(window(), { defaultPath: path.basename(name) });
      if (!filePath) return null;
      await writeFile(filePath, text);
      return filePath;
    },
    'desktop:showItem'({ path: item }) {
      shell.showItemInFolder(path.resolve(item));
      return null;
    },
    async 'desktop:keepToken'({ token }) {
      await keepToken(token);
      return null;
    },
    'desktop:copyText'({ text }) {
      clipboard.writeText(text);
      return null;
    },
  };
}
