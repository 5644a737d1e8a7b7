/**
 * @file The built window's files: which file a request path means, and what kind it is.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export interface PageFile {
  readonly content: Buffer<ArrayBuffer>;
  readonly type: string;
  /** True for files whose name holds a hash of their content. */
  readonly isImmutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/**
 * @param root absolute path of the built window
 * @param urlPath path of the request, still encoded; `/` is index.html
 * @returns null where there is no such file, or it is none that a window needs
 */
export async function readPageFile(root: string, urlPath: string): Promise<PageFile | null> {
  const name = decodePath(urlPath);
  if (name === null) return null;
  const file = path.resolve(root, `.${name === '/' ? '/index.html' : name}`);
  if (!file.startsWith(path.resolve(root) + path.sep)) return null;
  const type = TYPES[path.extname(file)];
  if (type === undefined) return null;
  const content = await readFile(file).catch(() => null);
  return content && { content, type, isImmutable: name.startsWith('/assets/') };
}

function decodePath(urlPath: string): string | null {
  try {
    const name = decodeURIComponent(urlPath);
    return name.startsWith('/') && !name.includes('\0') ? name : null;
  } catch {
    return null;
  }
}
