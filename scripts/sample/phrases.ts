/**
 * @file Fills phrase patterns. `<a|b>` is one of several wordings (one may be empty), `[is/are]` goes by the number spoken of, `{city}`
 * is a value.
 */
import type { Random } from './random.ts';

export interface FillOptions {
  readonly values?: Readonly<Record<string, string>>;
  /** Which side of `[one/many]`; default one. */
  readonly isMany?: boolean;
}

/** @throws where the pattern names a value that is not given */
export function fill(random: Random, pattern: string, { values = {}, isMany = false }: FillOptions = {}): string {
  return pattern
    .replace(/<([^<>]*)>/g, (_, wordings: string) => random.pick(wordings.split('|')))
    .replace(/\[([^\]/]*)\/([^\]]*)\]/g, (_, one: string, many: string) => (isMany ? many : one))
    .replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`internal: the pattern "${pattern}" names the unknown value ${name}`);
      return value;
    })
    .replace(/ {2,}/g, ' ')
    .replace(/ ([,.!?])/g, '$1')
    .trim();
}
