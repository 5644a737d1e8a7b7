/**
 * @file What set-up reports when a machine lacks something: one message that names the piece, one command that mends it.
 */

/** Exit code of every program here for a fault of the machine (runtime, network, disk). */
export const EXIT_ENVIRONMENT = 3;
/** Exit code after Ctrl-C or a termination signal. */
export const EXIT_INTERRUPTED = 130;

/** Set-up cannot go on; `fix` is a command or an action a person can take. */
export class SetupError extends Error {
  /**
   * @param {string} code `setup/reason`
   * @param {string} message what is missing or failed
   * @param {string} fix what to do about it
   * @param {{cause?: unknown, detail?: string}} [options] detail: last lines of the failing tool
   */
  constructor(code, message, fix, { cause, detail = '' } = {}) {
    super(message, { cause });
    this.name = 'SetupError';
    this.code = code;
    this.fix = fix;
    this.detail = detail;
    this.exitCode = EXIT_ENVIRONMENT;
  }
}

/** The person or the system asked set-up to stop. Nothing half-made is left in place. */
export class SetupInterrupted extends Error {
  constructor() {
    super('Set-up was interrupted; run the same command again to go on.');
    this.name = 'SetupInterrupted';
    this.exitCode = EXIT_INTERRUPTED;
  }
}

/**
 * The text a person sees for a failed set-up.
 * @param {unknown} error
 * @returns {string} several lines, no trailing newline
 */
export function describeFailure(error) {
  if (error instanceof SetupInterrupted) return error.message;
  if (!(error instanceof SetupError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const detail = error.detail ? `\n\n${indent(error.detail)}\n` : '';
  return `Set-up stopped: ${error.message}${detail}\n  Fix: ${error.fix}`;
}

/**
 * @param {unknown} error
 * @returns {number} exit code of the program that caught it
 */
export function exitCodeOf(error) {
  return error instanceof SetupError || error instanceof SetupInterrupted ? error.exitCode : 1;
}

/**
 * Turns file system errors that a person can mend into a SetupError; everything else comes back as it is.
 * @param {unknown} error
 * @param {string} folder where we were writing
 */
export function explainFileError(error, folder) {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(folder, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return notWritable(folder, { cause: error });
  return error;
}

/**
 * @param {string} folder
 * @param {{cause?: unknown}} [options]
 */
export function notWritable(folder, options = {}) {
  return new SetupError(
    'setup/not-writable',
    `${folder} cannot be written.`,
    'Give your user the right to write there, or choose another folder: export TUNESMITH_CACHE=/path/you/own',
    options,
  );
}

/**
 * @param {string} folder
 * @param {{cause?: unknown, detail?: string}} [options]
 */
export function diskFull(folder, options = {}) {
  return new SetupError(
    'setup/disk-full',
    `The disk that holds ${folder} is full.`,
    'Free some space, or put the cache on another disk: export TUNESMITH_CACHE=/path/on/a/larger/disk',
    options,
  );
}

/**
 * The last lines of a tool's output, short enough to read.
 * @param {string} text
 * @param {number} [count]
 */
export function lastLines(text, count = 6) {
  return shortLines(text).slice(-count).join('\n');
}

/**
 * The first lines, for tools that name the cause first.
 * @param {string} text
 * @param {number} [count]
 */
export function firstLines(text, count = 6) {
  return shortLines(text).slice(0, count).join('\n');
}

/** @param {string} text */
function shortLines(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.map((line) => line.slice(0, 300));
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^/gm, '    ');
}
