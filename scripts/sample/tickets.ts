/**
 * @file A customer's request as facts, as an informal message, and as the compact line that the sample task asks for.
 */
import { fill } from './phrases.ts';
import type { Random } from './random.ts';
import { CITY_SENTENCES, CLOSERS, INTENTS, OPENERS, REQUESTS, type Intent } from './ticket-phrases.ts';
import {
  capitalize,
  CITIES,
  DAYS,
  inNumber,
  LOOKS,
  MAX_QUANTITY,
  NAMES,
  NUMBER_WORDS,
  THINGS,
  withArticle,
} from './world.ts';

export interface Ticket {
  readonly intent: Intent;
  /** Singular, for instance `blue kettle`. */
  readonly item: string;
  /** 1 to MAX_QUANTITY. */
  readonly quantity: number;
  readonly city: string;
}

/** Most words of a message; keeps it under 45 tokens. */
const MAX_WORDS = 30;

export function drawTicket(random: Random, intent: Intent = random.pick(INTENTS)): Ticket {
  const quantity = random.chance(0.35) ? 1 : random.chance(0.7) ? 2 + random.int(5) : 7 + random.int(MAX_QUANTITY - 6);
  const item = `${random.pick(LOOKS)} ${random.pick(THINGS)}`;
  return { intent, item, quantity, city: random.pick(CITIES) };
}

/** The answer of the sample task. */
export function formatTicket({ intent, item, quantity, city }: Ticket): string {
  return `intent: ${intent} | item: ${item} | qty: ${quantity} | city: ${city}`;
}

/** The ticket's facts in the customer's words; city and item stand in it as they are, the number as a digit or a word. */
export function writeMessage(random: Random, ticket: Ticket): string {
  for (;;) {
    const message = composeMessage(random, ticket);
    if (message.split(' ').length <= MAX_WORDS) return message;
  }
}

function composeMessage(random: Random, ticket: Ticket): string {
  const values = {
    ...itemPhrases(random, ticket),
    city: ticket.city,
    name: random.pick(NAMES),
    day: random.pick(DAYS),
    number: String(100 + random.int(900)),
  };
  const options = { values, isMany: ticket.quantity > 1 };
  const pattern = random.pick(REQUESTS[ticket.intent]);
  const request = fill(random, pattern, options);
  const sentences = [request];
  if (!pattern.includes('{city}')) {
    const where = fill(random, random.pick(CITY_SENTENCES), options);
    if (random.chance(0.6)) sentences.push(where);
    else sentences.unshift(where);
  }
  const opener = random.chance(0.45) ? `${random.pick(OPENERS)}, ` : '';
  const closer = random.chance(0.35) ? ` ${fill(random, random.pick(CLOSERS), options)}` : '';
  return roughen(random, `${opener}${joinSentences(random, sentences, opener === '')}${closer}`);
}

/** {a}, {my} and {the}: the item with its number. */
function itemPhrases(random: Random, { item, quantity }: Ticket): Record<'a' | 'my' | 'the', string> {
  const things = inNumber(item, quantity);
  if (quantity === 1) {
    const a = random.pick([withArticle(item), withArticle(item), `one ${item}`, `1 ${item}`]);
    return { a, my: `my ${item}`, the: `the ${item}` };
  }
  const count = random.pick(countWords(quantity));
  const counted = `${count} ${things}`;
  const named = random.chance(0.7) ? counted : `${String(quantity)} ${things}`;
  // "the a pair of lamps" is no English.
  const definite = named.startsWith('a ') || named.startsWith('half') ? `${String(quantity)} ${things}` : named;
  return { a: counted, my: `my ${definite}`, the: `the ${definite}` };
}

function countWords(quantity: number): string[] {
  const plain = [String(quantity), NUMBER_WORDS[quantity]!];
  if (quantity === 2) return [...plain, 'a pair of'];
  if (quantity === 6) return [...plain, 'half a dozen'];
  return quantity === 12 ? [...plain, 'a dozen'] : plain;
}

function joinSentences(random: Random, sentences: readonly string[], isStart: boolean): string {
  const ended = sentences.map((sentence, index) => {
    const text = index > 0 || isStart ? capitalize(sentence) : sentence;
    return /[?!]$/.test(text) ? text : `${text}.`;
  });
  const text = ended.join(' ');
  return random.chance(0.15) ? text.replace(/\.$/, '!') : text;
}

/** People in a hurry: short forms, no capital at the start, no full stop at the end. */
function roughen(random: Random, text: string): string {
  let rough = text;
  if (random.chance(0.25)) rough = rough.replace(/\b([Pp])lease\b/, '$1ls');
  if (random.chance(0.25)) rough = rough.replace(/\b([Tt])hank(s| you)\b/, '$1hx');
  if (random.chance(0.25)) rough = rough.replace(/\bI am\b/, "I'm");
  if (random.chance(0.2) && /^[A-Z][a-z]+ /.test(rough) && !NAMES.some((name) => rough.startsWith(name))) {
    rough = rough.charAt(0).toLowerCase() + rough.slice(1);
  }
  return random.chance(0.2) ? rough.replace(/\.$/, '') : rough;
}
