/**
 * @file A tokenized prompt as a person would want to read it: the last thing that was said to the model.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

const ROLES = ['user', 'human', 'assistant', 'model', 'system', 'bot'];

/**
 * Special tokens part the turns of a conversation, and a role stands in the first line of each. Where a prompt does not look like
 * that, the whole text is given.
 */
export function promptText(tokenizer: Tokenizer, ids: ArrayLike<number>): string {
  const turns = splitAtSpecialTokens(tokenizer, ids).map(withoutRole);
  const said = turns.filter(({ text }) => text !== '');
  const asked = said.findLast(({ role }) => role === 'user' || role === 'human') ?? said.at(-1);
  return asked?.text ?? tokenizer.decode(ids, { skipSpecialTokens: true }).trim();
}

function splitAtSpecialTokens(tokenizer: Tokenizer, ids: ArrayLike<number>): string[] {
  const pieces: number[][] = [[]];
  for (const id of Array.from(ids)) {
    if (tokenizer.isSpecial(id)) pieces.push([]);
    else pieces.at(-1)!.push(id);
  }
  return pieces.map((piece) => tokenizer.decode(piece, { skipSpecialTokens: true }));
}

function withoutRole(piece: string): { role: string | null; text: string } {
  const [first = '', ...rest] = piece.split('\n');
  const role = first.trim().toLowerCase();
  return ROLES.includes(role) ? { role, text: rest.join('\n').trim() } : { role: null, text: piece.trim() };
}
