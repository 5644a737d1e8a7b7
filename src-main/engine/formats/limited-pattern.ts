/**
 * @file Regular expressions of strangers, cut off after a while: some would otherwise take years (`(a+)+$`).
 */
import { runInNewContext } from 'node:vm';

const TIME_LIMIT_MS = 2000;

/**
 * @param source a JavaScript regular expression
 * @param texts without line breaks
 * @returns those that match. @throws what `RegExp` says of a broken one; an error that `isTimeout` knows
 */
export function filterWithin(source: string, texts: readonly string[]): string[] {
  const script =
    'const expression = new RegExp(source); texts.split("\\n").map((text) => Number(expression.test(text))).join("")';
  const flags = String(runInNewContext(script, { source, texts: texts.join('\n') }, { timeout: TIME_LIMIT_MS }));
  return texts.filter((_, index) => flags[index] === '1');
}

/** Errors of another context are no `Error` of this one, so they are asked for their fields. */
export function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

/** True for a pattern that is quick on any path: few repetitions, and none of a group. */
export function isQuick(pattern: string): boolean {
  return !/[)\]][*+{]/.test(pattern) && (pattern.match(/[*+{]/g) ?? []).length <= 3;
}
