/**
 * @file Regular expressions over module paths, as PEFT matches them: the whole path must match.
 *
 * PEFT's are Python's. A pattern that the two languages read differently is refused with the reason, because the same text goes
 * into adapter_config.json. Matching is cut off after a while: some patterns would otherwise take years (`(a+)+$`).
 */
import { filterWithin, isTimeout } from '../formats/limited-pattern.ts';

/** Longer ones are lists in disguise. */
const MAX_LENGTH = 4000;

/** Forms that only Python knows, or that JavaScript reads in another way. */
const FOREIGN: readonly (readonly [form: RegExp, name: string, instead: string])[] = [
  [/\(\?P[<=>]/, 'named groups, (?P<name>…),', 'use plain groups, (…)'],
  [/\(\?<(?![=!])/, 'named groups, (?<name>…),', 'use plain groups, (…)'],
  [/\(\?>/, 'atomic groups, (?>…),', 'use (?:…)'],
  [/\(\?#/, 'comments, (?#…),', 'leave them away'],
  [/\(\?\(/, 'conditions, (?(1)…|…),', 'use two alternatives'],
  [/\(\?[a-zA-Z]+\)/, 'flags at the start, (?i),', 'use (?i:…)'],
  [/[*+?}]\+/, 'possessive quantifiers, such as *+,', 'use the plain quantifier'],
  [/\{,\d+\}/, 'quantifiers without a lower end, {,3},', 'write {0,3}'],
  [/\[\^?\]/, 'a ] at the start of a set', String.raw`write \]`],
  [
    /\\[^\W\d_bBdDsSwWfnrtvxu]/,
    String.raw`this escape (\A, \Z and the like)`,
    'leave it away: the whole path must match',
  ],
];

export type PatternMatch =
  { readonly matched: ReadonlySet<string> } | { readonly problem: string; readonly hint?: string };

/** Finds the paths that a pattern matches from end to end, or tells what is wrong with the pattern. */
export function matchPattern(pattern: string, paths: readonly string[]): PatternMatch {
  if (pattern.length > MAX_LENGTH) {
    return { problem: `is a pattern of ${pattern.length} characters; at most ${MAX_LENGTH} are allowed` };
  }
  const text = pattern.replace(/\\[\\[\](){}*+?^$|./-]/g, '_');
  const foreign = FOREIGN.find(([form]) => form.test(text));
  if (foreign) return { problem: `${quote(pattern)} uses ${foreign[1]} which is not supported`, hint: foreign[2] };
  try {
    return { matched: new Set(filterWithin(`^(?:${pattern})$`, paths)) };
  } catch (error) {
    if (isTimeout(error)) {
      const hint = 'avoid repetitions inside repetitions, such as (a+)+';
      return { problem: `${quote(pattern)} takes too long to match`, hint };
    }
    return { problem: `${quote(pattern)} is no regular expression: ${reasonOf(error)}` };
  }
}

function reasonOf(error: unknown): string {
  const message = (error as { message?: unknown }).message;
  const text = typeof message === 'string' ? message : String(error);
  return text.replace(/^Invalid regular expression: .*: /s, '').slice(0, 120);
}

function quote(pattern: string): string {
  return JSON.stringify(pattern.length > 60 ? `${pattern.slice(0, 60)}…` : pattern);
}
