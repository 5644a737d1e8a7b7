/**
 * @file Says in plain words why a text is not JSON, and at which character.
 *
 * JSON.parse decides whether a text is valid; its messages differ between engines and often lack the place. So only a text that it
 * refused is walked through here, by a small checker without recursion (a deeply nested text must not exhaust the stack).
 */

export interface JsonFault {
  /** 0-based index of the character that is wrong. */
  readonly offset: number;
  readonly reason: string;
}

type State = 'value' | 'first-value' | 'first-key' | 'key' | 'colon' | 'after-value';

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_]\w*/y;
const SPACE = /[ \t\n\r]*/y;
const PYTHON_WORDS: Readonly<Record<string, string>> = { None: 'null', True: 'true', False: 'false' };

/** @returns null where the text is valid JSON. */
export function explainJsonFault(text: string): JsonFault | null {
  const open: ('{' | '[')[] = [];
  let state: State = 'value';
  let offset = 0;
  for (;;) {
    offset = skip(SPACE, text, offset);
    const char = text[offset];
    if (state === 'after-value' && open.length === 0) {
      return char === undefined
        ? null
        : { offset, reason: `something follows the end of the JSON value: ${quote(text, offset)}` };
    }
    if (char === undefined) return { offset, reason: endReason(open.at(-1), state) };
    const step = takeStep(text, offset, char, state, open);
    if ('reason' in step) return step;
    ({ offset, state } = step);
  }
}

type Step = { readonly offset: number; readonly state: State };

function takeStep(text: string, offset: number, char: string, state: State, open: ('{' | '[')[]): Step | JsonFault {
  const inObject = open.at(-1) === '{';
  const closes = char === (inObject ? '}' : ']');
  switch (state) {
    case 'colon':
      if (char === ':') return { offset: offset + 1, state: 'value' };
      return { offset, reason: `a colon is missing after the key, found ${quote(text, offset)}` };
    case 'after-value':
      if (char === ',') return { offset: offset + 1, state: inObject ? 'key' : 'value' };
      if (!closes) return { offset, reason: missingComma(text, offset, inObject) };
      open.pop();
      return { offset: offset + 1, state: 'after-value' };
    case 'first-key':
    case 'key':
      if (char === '"') return scanString(text, offset, 'colon');
      if (char === '}' && state === 'first-key') return close(open, offset);
      return { offset, reason: char === '}' ? 'there is a comma too many before }' : keyReason(text, offset, char) };
    case 'first-value':
      if (char === ']') return close(open, offset);
      return takeValue(text, offset, char, open);
    case 'value':
      if (char === ']' && open.at(-1) === '[') return { offset, reason: 'there is a comma too many before ]' };
      return takeValue(text, offset, char, open);
  }
}

function close(open: ('{' | '[')[], offset: number): Step {
  open.pop();
  return { offset: offset + 1, state: 'after-value' };
}

function takeValue(text: string, offset: number, char: string, open: ('{' | '[')[]): Step | JsonFault {
  if (char === '{' || char === '[') {
    open.push(char);
    return { offset: offset + 1, state: char === '{' ? 'first-key' : 'first-value' };
  }
  if (char === '"') return scanString(text, offset, 'after-value');
  const numberEnd = skip(NUMBER, text, offset);
  if (numberEnd > offset) {
    const next = text[numberEnd];
    if (next !== undefined && /[\w.]/.test(next))
      return { offset, reason: `${quote(text, offset)} is not a number in JSON` };
    return { offset: numberEnd, state: 'after-value' };
  }
  const word = text.slice(offset, skip(WORD, text, offset));
  if (word === 'true' || word === 'false' || word === 'null')
    return { offset: offset + word.length, state: 'after-value' };
  return { offset, reason: valueReason(text, offset, char, word) };
}

function scanString(text: string, start: number, state: State): Step | JsonFault {
  for (let offset = start + 1; offset < text.length; offset++) {
    const char = text[offset]!;
    if (char === '"') return { offset: offset + 1, state };
    if (char < ' ') {
      const name = char === '\n' ? 'a line break' : char === '\t' ? 'a tab' : 'a control character';
      const escape = char === '\n' ? '\\n' : char === '\t' ? '\\t' : '\\u00..';
      return { offset, reason: `${name} stands inside a text; write it as ${escape}` };
    }
    if (char === '\\') {
      const escape = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(offset + 1, offset + 6))?.[0];
      if (escape === undefined) {
        return { offset, reason: `${quote(text, offset)} is no escape that JSON knows; write a backslash as \\\\` };
      }
      offset += escape.length;
    }
  }
  return { offset: start, reason: 'the text that begins here has no closing double quote' };
}

function skip(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}

function endReason(container: '{' | '[' | undefined, state: State): string {
  if (container === undefined) return 'there is no JSON value';
  const missing = container === '{' ? '}' : ']';
  return state === 'after-value'
    ? `it ends too early: ${missing} is missing`
    : `it ends too early, in the middle of ${container === '{' ? 'an object' : 'a list'}`;
}

function keyReason(text: string, offset: number, char: string): string {
  if (char === "'") return 'keys stand in double quotes, not single ones';
  if (/[“”„]/.test(char)) return 'this is a curly quote; JSON needs the straight "';
  return `a key in double quotes is expected, found ${quote(text, offset)}`;
}

function valueReason(text: string, offset: number, char: string, word: string): string {
  if (char === "'") return 'texts stand in double quotes, not single ones';
  if (/[“”„]/.test(char)) return 'this is a curly quote; JSON needs the straight "';
  if (word in PYTHON_WORDS) return `${word} is Python; JSON writes ${PYTHON_WORDS[word]!}`;
  if (/^-?(?:NaN|Infinity)/.test(text.slice(offset, offset + 9)))
    return 'NaN and Infinity do not exist in JSON; write null';
  if (text.startsWith('//', offset) || text.startsWith('/*', offset) || char === '#') return 'JSON has no comments';
  if (char === ',' || char === '}') return `a value is missing before ${char}`;
  return `a value is expected, found ${quote(text, offset)}`;
}

function missingComma(text: string, offset: number, inObject: boolean): string {
  const found = quote(text, offset);
  return `a comma or ${inObject ? '}' : ']'} is expected, found ${found} (a double quote inside a text is written \\")`;
}

function quote(text: string, offset: number): string {
  const piece = text.slice(offset, offset + 12).split(/[\r\n]/)[0]!;
  return `"${piece}${text.length > offset + 12 ? '…' : ''}"`;
}
