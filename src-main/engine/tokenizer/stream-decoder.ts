/**
 * @file Token ids to text while they are being generated, whole characters only.
 *
 * One character can be spread over several tokens, and a token's text can depend on the one before it (leading spaces). So the last
 * tokens are decoded twice, without and with the new one, and only the difference is given out, held back while it ends in the
 * replacement character that stands for an unfinished one.
 */
import type { Tokenizer } from './tokenizer.ts';

export interface StreamDecoder {
  /** @returns the new whole characters, often '' */
  push(id: number): string;
  /** The rest, at the end of the answer; an unfinished character comes out as U+FFFD. */
  flush(): string;
}

/** A character of at most four bytes needs at most four byte tokens; longer pieces are broken bytes and are given out as they are. */
const MAX_HELD_TOKENS = 8;

/** Decodes one answer. Special tokens give no text. */
export function createStreamDecoder(tokenizer: Tokenizer): StreamDecoder {
  const ids: number[] = [];
  let contextStart = 0;
  let shownEnd = 0;
  const textOf = (from: number, to: number): string =>
    tokenizer.decode(ids.slice(from, to), { skipSpecialTokens: true });
  const release = (): string => {
    const shown = textOf(contextStart, shownEnd);
    const all = textOf(contextStart, ids.length);
    contextStart = shownEnd;
    shownEnd = ids.length;
    return all.slice(shown.length);
  };
  return {
    push: (id) => {
      // A special token has no text, so it would be no context for the next one.
      if (tokenizer.isSpecial(id)) return '';
      ids.push(id);
      const all = textOf(contextStart, ids.length);
      const held = ids.length - shownEnd;
      if (all.endsWith('\uFFFD') && held < MAX_HELD_TOKENS) return '';
      return release();
    },
    flush: () => (shownEnd === ids.length ? '' : release()),
  };
}
