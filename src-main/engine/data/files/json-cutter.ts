/**
 * @file Cuts a JSON text, as its bytes stream by, into the elements of its list of rows.
 *
 * It only follows quotes and brackets. The list is the outermost array, or an array that is a direct member of the outermost
 * object. What is not inside an element (brackets, commas, other members) is collected as the frame, in which each element is
 * replaced by `0`; so a missing comma or bracket shows when the frame is parsed.
 */

/** One element of the list. */
export interface CutPiece {
  /** null = larger than allowed. */
  readonly bytes: Buffer | null;
  /** 1-based line of its first byte. */
  readonly line: number;
  /** Name of the list where it is a member of an object, null where it is the outermost array. */
  readonly key: string | null;
}

/** What stands around the rows. */
export interface JsonFrame {
  /** Each element as `0`, "element, element" as one. */
  readonly text: string;
  /** Where in the file a place of the text is. */
  readonly placeOf: (offset: number) => FramePlace;
}

export interface FramePlace {
  /** 1-based. */
  readonly line: number;
  /** The element there or before; 0 = none. */
  readonly row: number;
  /** In that element, which never ends. */
  readonly isInside: boolean;
}

export interface JsonCutter {
  push(chunk: Buffer): CutPiece[];
  /** True once what stands around the rows has outgrown its limit. */
  frameTooLarge(): boolean;
  /** Call after the last chunk. */
  end(): JsonFrame;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 10;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;

interface OpenElement {
  pieces: Buffer[];
  bytes: number;
  readonly line: number;
  readonly depth: number;
}

export function createJsonCutter(maxElementBytes: number, maxFrameBytes: number): JsonCutter {
  const frame = createFrame(maxFrameBytes);
  const brackets = createBrackets();
  let inString = false;
  let isEscaped = false;
  let line = 1;
  let element: OpenElement | null = null;

  const addPiece = (open: OpenElement, piece: Buffer): void => {
    open.bytes += piece.length;
    if (open.bytes > maxElementBytes) open.pieces = [];
    else open.pieces.push(piece);
  };

  const push = (chunk: Buffer): CutPiece[] => {
    const done: CutPiece[] = [];
    let from = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index]!;
      if (byte === NEWLINE) line++;
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      const ends = byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT;
      if (element === null) {
        const isSpace = byte === 0x20 || (byte >= 9 && byte <= 13);
        if (brackets.inList() && !isSpace && !ends) {
          frame.add(chunk.subarray(from, index));
          frame.addElement(line);
          from = index;
          element = { pieces: [], bytes: 0, line, depth: brackets.depth() };
        }
      } else if (ends && brackets.depth() === element.depth) {
        addPiece(element, chunk.subarray(from, index));
        from = index;
        const { pieces, bytes, line: startLine } = element;
        done.push({
          bytes: bytes > maxElementBytes ? null : Buffer.concat(pieces),
          line: startLine,
          key: frame.listName(),
        });
        element = null;
        frame.endElement(line);
      }
      if (byte === QUOTE) inString = true;
      else brackets.follow(byte);
    }
    const rest = chunk.subarray(from);
    if (element === null) frame.add(rest);
    else addPiece(element, rest);
    return done;
  };

  return {
    push,
    frameTooLarge: () => frame.tooLarge(),
    end: () => {
      // An element that never ends belongs to the frame: there its missing end is found.
      if (element !== null) frame.replaceElement(Buffer.concat(element.pieces));
      return frame.end();
    },
  };
}

/** Depth, and the kinds of the two outermost brackets, which say where the list is. */
function createBrackets(): { follow(byte: number): void; depth(): number; inList(): boolean } {
  let depth = 0;
  let outermost = 0;
  let second = 0;
  return {
    follow: (byte) => {
      if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        if (depth === 0) outermost = byte;
        if (depth === 1) second = byte;
        depth++;
      } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
        depth = Math.max(0, depth - 1);
      }
    },
    depth: () => depth,
    inList: () =>
      depth === 1 ? outermost === OPEN_ARRAY : depth === 2 && outermost === OPEN_OBJECT && second === OPEN_ARRAY,
  };
}

/** What stands around the elements; "element, element" is kept as one, so a long list has a short frame. */
function createFrame(maxBytes: number): {
  add(bytes: Buffer): void;
  addElement(line: number): void;
  endElement(line: number): void;
  replaceElement(bytes: Buffer): void;
  listName(): string | null;
  tooLarge(): boolean;
  end(): JsonFrame;
} {
  let text = '';
  let gap = '';
  let row = 0;
  let isOpen = false;
  // The last of the elements that each 0 stands for; the first mark is the start of the file.
  const marks = [{ at: -1, row: 0, line: 1 }];
  let name: string | null = null;
  return {
    add: (bytes) => {
      if (gap.length <= maxBytes) gap += bytes.toString('latin1');
    },
    addElement: (line) => {
      row++;
      isOpen = true;
      if (!(text.endsWith('0') && gap.trim() === ',')) {
        text += `${gap}0`;
        name = /^\s*\{/.test(text)
          ? (/"((?:[^"\\]|\\.)*)"\s*:\s*\[[\s0,]*$/.exec(text.slice(-10_000))?.[1] ?? '')
          : null;
        marks.push({ at: text.length - 1, row, line });
      } else Object.assign(marks.at(-1)!, { row, line });
      gap = '';
    },
    endElement: (line) => {
      isOpen = false;
      marks.at(-1)!.line = line;
    },
    replaceElement: (bytes) => {
      text = text.slice(0, -1) + bytes.subarray(0, maxBytes).toString('latin1');
    },
    listName: () => (name === null ? null : Buffer.from(name, 'latin1').toString('utf8')),
    tooLarge: () => text.length + gap.length > maxBytes,
    end: () => {
      const latin = text + gap;
      const decoded = Buffer.from(latin, 'latin1').toString('utf8');
      return {
        text: decoded,
        placeOf: (offset) => {
          const byte = Buffer.byteLength(decoded.slice(0, offset));
          const mark = marks.findLast(({ at }) => at <= byte)!;
          const passed = latin.slice(Math.max(0, mark.at), byte).split('\n').length - 1;
          return { row: mark.row, line: mark.line + passed, isInside: isOpen && mark === marks.at(-1) && mark.row > 0 };
        },
      };
    },
  };
}
