/**
 * @file What a command prints. With `--json`: one object a line on stdout and nothing else there. Without: results on stdout, all else
 * on stderr, so that results can be piped.
 */
import { AppError, formatFault, Interrupted, toPlainError } from '../../src-shared/domain/app-error.ts';

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Width of the terminal in characters. */
  readonly columns?: number;
}

export interface Reporter {
  readonly json: boolean;
  /** True where a person watches and lines may be redrawn. */
  readonly isLive: boolean;
  /** One line of --json; nothing without it. */
  event(event: object): void;
  /** The end of a command that worked. @param text for people; left out where all was printed already */
  result(result: object, text?: string): void;
  /** Piece of a result for people, without a line end. */
  write(text: string): void;
  /** A line about what is going on; in --json an event of its own. */
  note(message: string, code?: string): void;
  /** Redraws what stands on a terminal's last line; null takes it away. */
  status(line: string | null): void;
  error(error: unknown): void;
}

export interface ReporterOptions {
  readonly json: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Shows the stacks of bugs. */
  readonly debug: boolean;
}

/** Control characters but tab and line break: out of rows and answers they would move the cursor or change the terminal's settings. */
const CONTROLS = /(?![\t\n])\p{Cc}/gu;
const printable = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll(CONTROLS, '\ufffd');

const CLEAR_LINE = '\r\u001b[K';

export function createReporter({ json, stdout, stderr, debug }: ReporterOptions): Reporter {
  const isLive = !json && Boolean(stderr.isTTY);
  let status: string | null = null;
  const printLine = (line: object) => stdout.write(`${JSON.stringify(line)}\n`);
  /** Text that stays goes above the status line. */
  const tell = (text: string) => {
    if (status !== null) stderr.write(CLEAR_LINE);
    stderr.write(`${printable(text)}\n`);
    if (status !== null) stderr.write(status);
  };
  const setStatus = (text: string | null) => {
    // A line that wraps could not be taken back.
    const line = text === null ? null : printable(text).slice(0, (stderr.columns ?? 80) - 1);
    if (!isLive || line === status) return;
    stderr.write(CLEAR_LINE + (line ?? ''));
    status = line;
  };
  return {
    json,
    isLive,
    event: (event) => json && printLine(event),
    result(result, text) {
      setStatus(null);
      if (json) printLine({ event: 'result', ...result });
      else if (text !== undefined) stdout.write(`${printable(text)}\n`);
    },
    write: (text) => !json && stdout.write(printable(text)),
    note(message, code = 'cli/note') {
      if (json) printLine({ event: 'notice', step: 0, code, message });
      else tell(message);
    },
    status: setStatus,
    error(error) {
      setStatus(null);
      if (json) printLine(describeError(error));
      else stderr.write(`${printable(explainError(error, debug))}\n`);
    },
  };
}

function describeError(error: unknown): object {
  if (error instanceof AppError) return { event: 'error', ...toPlainError(error) };
  const [code, kind] = error instanceof Interrupted ? ['interrupted', 'input'] : ['internal/bug', 'bug'];
  const hint = error instanceof Interrupted ? '' : BUG_HINT;
  const message = error instanceof Error ? error.message : String(error);
  return { event: 'error', code, kind, message, hint, faults: [] };
}

const BUG_HINT =
  'This is a fault of Tunesmith. Run the command again with TUNESMITH_DEBUG=1 and report what it prints.';

function explainError(error: unknown, debug: boolean): string {
  if (error instanceof Interrupted) return error.message;
  if (error instanceof AppError) {
    const list = error.faults.map((fault) => `  - ${formatFault(fault)}`);
    const hint = error.hint === '' ? [] : error.hint.split('\n').map((line) => `  ${line}`);
    return [`Error: ${error.message}`, ...list, ...hint, ...(debug && error.stack ? [error.stack] : [])].join('\n');
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return debug ? (stack ?? message) : `Internal error: ${message}\n  ${BUG_HINT}`;
}
