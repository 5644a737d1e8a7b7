/**
 * @file The window's own address, tunesmith://app/: files of the built window with the same headers as in the browser, and nothing else.
 */
import { protocol } from 'electron';
import { readPageFile } from '../transport/page-files.ts';
import { contentPolicy, securityHeaders } from '../transport/security-headers.ts';

const SCHEME = 'tunesmith';
const HOST = 'app';
export const PAGE_ORIGIN = `${SCHEME}://${HOST}`;
export const START_PAGE = `${PAGE_ORIGIN}/index.html`;

/** Call it before Electron is ready. */
export function registerPageScheme(): void {
  const privileges = { standard: true, secure: true, supportFetchAPI: true };
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges }]);
}

/** @param pages folder of the built window */
export function servePages(pages: string): void {
  const headers = securityHeaders(contentPolicy());
  protocol.handle(SCHEME, async ({ url, method }) => {
    const { host, pathname } = new URL(url);
    const file = host === HOST && method === 'GET' ? await readPageFile(pages, pathname) : null;
    if (!file) return new Response('Not found.', { status: 404, headers });
    return new Response(file.content, { headers: { ...headers, 'content-type': file.type } });
  });
}

/** True for addresses of our own page; anything else is never loaded. */
export function isOwnAddress(url: string): boolean {
  return url === PAGE_ORIGIN || url.startsWith(`${PAGE_ORIGIN}/`);
}
