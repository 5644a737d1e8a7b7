/**
 * @file Finds a key that stands twice in one object of a JSON text: JSON.parse keeps the last of the values and says nothing of the others.
 *
 * Every row comes through here, so the usual case is cheap: keys are counted in the text and in the value that JSON.parse made of it.
 * Only where the counts differ is the text walked through to name the key.
 */

export interface DuplicateKey {
  readonly key: string;
  /** 0-based index of its second place. */
  readonly offset: number;
}

const QUOTE = '"';
const COLON = 0x3a;
const SPACE = 0x20;

/**
 * @param text valid JSON
 * @param value what JSON.parse gives for it
 * @returns the first key that an object has twice, null where there is none
 */
export function findDuplicateKey(text: string, value: unknown): DuplicateKey | null {
  return countKeysIn(text) === countKeysOf(value) ? null : walk(text);
}

function countKeysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) for (const member of value) count += countKeysOf(member);
  else for (const member of Object.values(value)) count += 1 + countKeysOf(member);
  return count;
}

/** A key is a text before a colon. */
function countKeysIn(text: string): number {
  let count = 0;
  let end = 0;
  for (let start = text.indexOf(QUOTE); start >= 0; start = text.indexOf(QUOTE, end)) {
    end = skipString(text, start);
    if (isBeforeColon(text, end)) count++;
  }
  return count;
}

function walk(text: string): DuplicateKey | null {
  const open: Set<string>[] = [];
  for (let offset = 0; offset < text.length; offset++) {
    const char = text[offset];
    if (char === '{' || char === '[') open.push(new Set());
    else if (char === '}' || char === ']') open.pop();
    if (char !== QUOTE) continue;
    const end = skipString(text, offset);
    if (isBeforeColon(text, end)) {
      const key = JSON.parse(text.slice(offset, end)) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return { key, offset };
      keys.add(key);
    }
    offset = end - 1;
  }
  return null;
}

/** @returns the index after the closing quote. */
function skipString(text: string, start: number): number {
  let end = text.indexOf(QUOTE, start + 1);
  while (isEscaped(text, end)) end = text.indexOf(QUOTE, end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

function isBeforeColon(text: string, end: number): boolean {
  let next = end;
  while (text.charCodeAt(next) <= SPACE) next++;
  return text.charCodeAt(next) === COLON;
}
