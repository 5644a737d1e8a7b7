/**
 * @file What goes wrong on the way to the hub, in words that say what to do.
 */
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { HttpAnswer } from './http-client.ts';
import { Passing } from './patience.ts';

/** What was asked for. */
export interface HubSubject {
  /** `maker/name`; null for a search. */
  readonly model: string | null;
  readonly revision?: string;
  readonly file?: string;
  /** The hub has said that it is gated. */
  readonly gated?: boolean;
}

export interface ServerFacts {
  /** Address of the hub or its mirror. */
  readonly endpoint: string;
  readonly hasToken: boolean;
}

const PASSING = [408, 425, 500, 502, 503, 504];

/** An answer that is no success. @param said what the server wrote, cut short */
export function explainStatus(answer: HttpAnswer, said: string, subject: HubSubject, server: ServerFacts): Error {
  const { status, headers, url } = answer;
  const code = headers['x-error-code'] ?? '';
  const isForeign = url.origin !== new URL(server.endpoint).origin;
  if (status === 429) return new Passing(rateLimited(server), readRetryAfter(headers['retry-after']));
  if (status === 503 && headers['retry-after'] !== undefined) {
    return new Passing(serverFailed(status, url, said), readRetryAfter(headers['retry-after']));
  }
  if (PASSING.includes(status) || status >= 500) return new Passing(serverFailed(status, url, said));
  // A signed address of a storage server that has run out; the hub gives a new one.
  if (isForeign && (status === 401 || status === 403)) return new Passing(serverFailed(status, url, said));
  if (code === 'RevisionNotFound') return revisionNotFound(subject, server);
  if (code === 'DisabledRepo' || code === 'RepoNotFound') return notFound(subject, server, code);
  const needsLeave = code === 'GatedRepo' || status === 403 || (subject.gated === true && !server.hasToken);
  if ((status === 401 || status === 403) && needsLeave) return gated(subject, server, said);
  if (status === 401) return unauthorized(subject, server, said);
  if (status === 404 || status === 410) return notFound(subject, server, code);
  return badAnswer(subject, `status ${status}${said && `: ${said}`}`);
}

/** A request that got no answer, or whose answer broke off. */
export function explainBroken(error: unknown, address: URL, signal?: AbortSignal): Error {
  if (error instanceof AppError || error instanceof Passing || error instanceof Interrupted) return error;
  if (signal?.aborted) return new Interrupted();
  const reason = describeBreak(error);
  const certificate = /certificate|self.signed|CERT_|UNABLE_TO/i.test(reason);
  const hint = certificate
    ? 'A proxy or virus scanner may stand between: let NODE_EXTRA_CA_CERTS name the file of its certificate.'
    : 'Check the connection, the proxy (HTTPS_PROXY) and the address of the hub (HF_ENDPOINT). What was downloaded is kept.';
  const failure = new AppError('hub/unreachable', `${address.host} cannot be reached: ${reason}`, {
    kind: 'environment',
    hint,
    cause: error,
  });
  return certificate ? failure : new Passing(failure);
}

/** @param text the header: seconds, or a date. @returns milliseconds, null where it is no such thing */
export function readRetryAfter(text: string | undefined, now = Date.now()): number | null {
  if (text === undefined) return null;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

export function badAnswer({ model, file }: HubSubject, what: string): AppError {
  const about = [model, file].filter(Boolean).join(', ');
  return new AppError('hub/bad-answer', `The hub's answer${about && ` about ${about}`} makes no sense: ${what}`, {
    kind: 'environment',
    hint: 'Check the address of the hub (HF_ENDPOINT): a mirror must speak its whole interface.',
  });
}

export function offline(): AppError {
  return new AppError('hub/offline', 'Offline mode is on: the hub is not asked', {
    kind: 'environment',
    hint: 'Use a model that is on this machine, or turn offline mode off (in Models, or unset HF_HUB_OFFLINE).',
  });
}

export function checksumFailed(model: string, file: string, what: string): AppError {
  return new AppError('hub/checksum', `${model}: ${file} came damaged twice: ${what}`, {
    kind: 'environment',
    hint: 'Try again later or with another address of the hub. The other files are kept.',
    faults: [{ file, message: what }],
  });
}

function gated({ model }: HubSubject, { endpoint, hasToken }: ServerFacts, said: string): AppError {
  const page = `${endpoint}/${model ?? ''}`;
  const accept = `Open ${page} , sign in and accept the licence`;
  return new AppError('hub/gated', `${model} is gated: its makers give it to those who have accepted its licence`, {
    hint: hasToken
      ? `${accept} with the account of your token; then try again. A fine-grained token also needs leave to read gated models.`
      : `${accept}; then give a token of that account: in Models, or as HF_TOKEN.`,
    ...(said && { faults: [{ message: said }] }),
  });
}

function unauthorized({ model }: HubSubject, { endpoint, hasToken }: ServerFacts, said: string): AppError {
  const faults = said ? { faults: [{ message: said }] } : {};
  if (hasToken) {
    return new AppError('hub/token-refused', 'The hub does not accept the token', {
      hint: `Make a new one at ${endpoint}/settings/tokens and give it in Models, or as HF_TOKEN.`,
      ...faults,
    });
  }
  return new AppError('hub/token-needed', `${model ?? 'This'} is not open to everybody: the hub asks for a token`, {
    hint: `Check the name. If it is right, make a token at ${endpoint}/settings/tokens and give it in Models, or as HF_TOKEN.`,
    ...faults,
  });
}

function notFound({ model, file, revision = 'main' }: HubSubject, { hasToken }: ServerFacts, code: string): AppError {
  if (file !== undefined && code !== 'RepoNotFound') {
    return new AppError('hub/file-not-found', `${model}: the hub has no file ${file} in this revision`, {
      hint: 'The model may have changed just now; start again.',
    });
  }
  const isDisabled = code === 'DisabledRepo';
  const what = `${model ?? ''}${revision === 'main' ? '' : `, or no revision ${revision} of it`}`;
  return new AppError('hub/not-found', `The hub ${isDisabled ? 'has closed' : 'has no model'} ${what}`.trim(), {
    hint: isDisabled
      ? 'Choose another model.'
      : `Check the name: it is written maker/name. ${hasToken ? 'Your token may not see it.' : 'A private model needs a token.'}`,
  });
}

function revisionNotFound({ model, revision }: HubSubject, { endpoint }: ServerFacts): AppError {
  return new AppError('hub/revision-not-found', `${model} has no branch, tag or commit ${revision ?? ''}`.trim(), {
    hint: `Leave it out for the newest one; ${endpoint}/${model}/commits/main lists them.`,
  });
}

function rateLimited({ hasToken }: ServerFacts): AppError {
  return new AppError('hub/rate-limited', 'The hub asks to wait: too many requests came from here', {
    kind: 'environment',
    hint: `Try again in some minutes. ${hasToken ? '' : 'With a token the limit is higher.'}`.trim(),
  });
}

function serverFailed(status: number, url: URL, said: string): AppError {
  return new AppError('hub/server-failed', `${url.host} fails with status ${status}${said && `: ${said}`}`, {
    kind: 'environment',
    hint: 'Try again later. What was downloaded is kept.',
  });
}

function describeBreak(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known here (no connection?)';
    case 'ECONNREFUSED':
      return 'it refuses the connection';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection broke';
    case 'ETIMEDOUT':
      return 'it does not answer';
    default:
      return message || code || 'the connection broke';
  }
}
