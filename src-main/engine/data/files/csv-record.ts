/**
 * @file Splits lines of CSV into records: RFC 4180 quotes, any one-character delimiter, constant memory.
 *
 * Written here and not taken from a library because a row's fault needs its line, and because an opening quote without its partner
 * must not pull the rest of a large file into memory.
 */

/** One record. `fault` says what is wrong with its quotes; the fields are then a best guess. */
export interface CsvRecord {
  readonly fields: string[];
  /** 1-based line of its first character. */
  readonly line: number;
  readonly fault: string | null;
}

export interface CsvSplitter {
  /** @returns the record that this line ends, or null inside a quoted field that goes on. */
  push(line: string, number: number): CsvRecord | null;
  /** Size of the unfinished record. */
  pending(): { readonly chars: number; readonly lines: number };
  /** Line where the unfinished record's open quote stands, null outside quotes. */
  openQuoteLine(): number | null;
}

export function createCsvSplitter(delimiter: string): CsvSplitter {
  let fields: string[] = [];
  /** Content of the quoted field that is being read; null outside one. */
  let quoted: string | null = null;
  let startLine = 0;
  let quoteLine = 0;
  let chars = 0;
  let lines = 0;
  let fault: string | null = null;

  const finish = (): CsvRecord => {
    const record = { fields, line: startLine, fault };
    [fields, quoted, fault] = [[], null, null];
    [chars, lines] = [0, 0];
    return record;
  };

  /** Reads quoted text from `from`. @returns the index after the closing quote, or -1 where the line ends before it. */
  const readQuoted = (line: string, from: number): number => {
    for (let index = from; ;) {
      const quote = line.indexOf('"', index);
      quoted += line.slice(index, quote < 0 ? line.length : quote);
      if (quote < 0) return -1;
      if (line[quote + 1] !== '"') return quote + 1;
      quoted += '"';
      index = quote + 2;
    }
  };

  /** Takes what is left of a field. @returns the index of the delimiter after it, or the line's length. */
  const closeField = (line: string, index: number): number => {
    const found = line.indexOf(delimiter, index);
    const end = found < 0 ? line.length : found;
    const rest = line.slice(index, end);
    if (quoted !== null && rest.trim() !== '') {
      fault ??= `text stands after the closing quote of column ${fields.length + 1}; a quote inside a quoted field is written twice ("")`;
    }
    fields.push(quoted ?? rest);
    quoted = null;
    return end;
  };

  /** Reads fields from the start of one. @returns true where the record ends with this line. */
  const readFields = (line: string, number: number, start: number): boolean => {
    for (let index = start; ; index++) {
      if (line[index] === '"') {
        [quoted, quoteLine] = ['', number];
        index = readQuoted(line, index + 1);
        if (index < 0) return false;
      }
      index = closeField(line, index);
      if (index >= line.length) return true;
    }
  };

  return {
    pending: () => ({ chars, lines }),
    openQuoteLine: () => (quoted === null ? null : quoteLine),
    push: (line, number) => {
      chars += line.length + 1;
      lines++;
      if (quoted === null) {
        startLine = number;
        if (line.includes('"')) return readFields(line, number, 0) ? finish() : null;
        fields = line.split(delimiter);
        return finish();
      }
      quoted += '\n';
      const index = readQuoted(line, 0);
      if (index < 0) return null;
      const end = closeField(line, index);
      return end >= line.length || readFields(line, number, end + 1) ? finish() : null;
    },
  };
}
