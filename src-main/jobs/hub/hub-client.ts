/**
 * @file The hub as we ask it: a thin layer under @huggingface/hub that brings proxies, tokens, patience and our errors, and files by
 * the byte.
 *
 * The token is sent to the hub's own origin alone, and is in no message.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { type HttpAnswer, readText, sendRequest } from './http-client.ts';
import { explainBroken, explainStatus, type HubSubject } from './hub-errors.ts';
import { type Pace, USUAL_PACE, withPatience } from './patience.ts';
import type { ProxySettings } from './proxy.ts';

/** How the hub is reached; goes to a job with its request and is kept nowhere. */
export interface HubAccess {
  /** Address of the hub or of a mirror, without a slash at its end. */
  readonly endpoint: string;
  readonly token: string | null;
  readonly proxies: ProxySettings;
  readonly pace?: Pace;
}

export type FileSubject = HubSubject & { readonly model: string; readonly revision: string; readonly file: string };

export interface HubClientOptions {
  readonly signal?: AbortSignal;
  /** Told why nothing comes, null when it goes on. */
  readonly onWait?: (reason: string | null) => void;
}

export interface HubClient {
  readonly endpoint: string;
  readonly pace: Pace;
  /** For the library; asks again where it fails in passing. @throws AppError where the answer is no success */
  fetchFor(subject: HubSubject): typeof fetch;
  /** Some bytes of a file, one try. @throws Passing, AppError, Interrupted */
  openFile(subject: FileSubject, firstByte: number): Promise<HttpAnswer>;
  /** A whole small file; asks again where it fails in passing. */
  readFile(subject: FileSubject, mostBytes: number): Promise<string>;
}

const MOST_SAID_BYTES = 64 * 1024;
const MOST_SAID_CHARS = 300;
const MOST_LIST_BYTES = 32 * 1024 * 1024;

export function openHub(access: HubAccess, { signal, onWait }: HubClientOptions = {}): HubClient {
  const { endpoint, token, proxies, pace = USUAL_PACE } = access;
  const origin = new URL(endpoint).origin;
  const server = { endpoint, hasToken: token !== null };

  /** @throws Passing, AppError, Interrupted; what comes back is a success */
  async function ask(
    address: string,
    subject: HubSubject,
    headers: Readonly<Record<string, string>> = {},
    sent: { readonly method?: string; readonly body?: string } = {},
  ): Promise<HttpAnswer> {
    const url = new URL(address);
    const isOwn = token !== null && url.origin === origin;
    const secret: Record<string, string> = isOwn ? { authorization: `Bearer ${token}` } : {};
    try {
      const answer = await sendRequest(address, {
        ...sent,
        headers: { 'user-agent': 'tunesmith', 'accept-encoding': 'identity', ...headers, ...secret },
        proxies,
        idleMs: pace.idleMs,
        ...(signal && { signal }),
      });
      if (answer.status < 300) return answer;
      throw explainStatus(answer, hideToken(await readSaid(answer), token), subject, server);
    } catch (error) {
      throw explainBroken(error, url, signal);
    }
  }

  const openFile: HubClient['openFile'] = (subject, firstByte) => {
    const { model, revision, file } = subject;
    const place = [...model.split('/'), 'resolve', revision, file].map(encodeURIComponent).join('/');
    const range: Record<string, string> = firstByte > 0 ? { range: `bytes=${firstByte}-` } : {};
    return ask(`${endpoint}/${place}`, subject, range);
  };
  return {
    endpoint,
    pace,
    openFile,
    fetchFor: (subject) => (input, init) =>
      withPatience({ pace, signal, onWait }, async () => {
        const address = input instanceof Request ? input.url : String(input);
        const headers = Object.fromEntries(new Headers(init?.headers));
        const body = typeof init?.body === 'string' ? { body: init.body } : {};
        const answer = await ask(address, subject, headers, { method: init?.method ?? 'GET', ...body });
        const text = await readWhole(answer, MOST_LIST_BYTES, signal);
        return new Response(text, { status: answer.status, headers: answer.headers });
      }),
    readFile: (subject, mostBytes) =>
      withPatience({ pace, signal, onWait }, async () => readWhole(await openFile(subject, 0), mostBytes, signal)),
  };
}

async function readWhole(answer: HttpAnswer, mostBytes: number, signal?: AbortSignal): Promise<string> {
  try {
    return await readText(answer, mostBytes);
  } catch (error) {
    throw explainBroken(error, answer.url, signal);
  }
}

/** What a server that refuses says about it: its header, `error` of its JSON, or a line of text; never a page. */
async function readSaid(answer: HttpAnswer): Promise<string> {
  const header = answer.headers['x-error-message'];
  const text = await readText(answer, MOST_SAID_BYTES).catch(() => '');
  if (header !== undefined) return shorten(header);
  try {
    const { error, message } = JSON.parse(text) as { error?: unknown; message?: unknown };
    return shorten([error, message].find((said) => typeof said === 'string') ?? '');
  } catch {
    return text.includes('<') ? '' : shorten(text);
  }
}

function shorten(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > MOST_SAID_CHARS ? `${line.slice(0, MOST_SAID_CHARS)}…` : line;
}

/** A server may repeat what it was sent. */
function hideToken(text: string, token: string | null): string {
  return token === null ? text : text.replaceAll(token, '(token)');
}

/** `maker/name` or an old `name`. @throws hub/bad-name */
export function checkModelName(name: string): string {
  const isName = /^[\w.-]+(\/[\w.-]+)?$/.test(name) && !name.split('/').some((part) => /^\.+$/.test(part));
  if (isName && name.length <= 200) return name;
  throw new AppError('hub/bad-name', `"${name}" is no name of a model on the hub`, {
    hint: 'It is written maker/name; `tunesmith models search WORDS` finds it.',
  });
}
