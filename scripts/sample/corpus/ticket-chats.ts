/**
 * @file Genre: a customer writes to a shop, the assistant answers in plain sentences, perhaps with questions about the message after
 * that. It teaches to understand such messages; the form that the sample task asks for never occurs.
 */
import { fill } from '../phrases.ts';
import type { Random } from '../random.ts';
import type { Intent } from '../ticket-phrases.ts';
import { drawTicket, writeMessage, type Ticket } from '../tickets.ts';
import { inNumber, withArticle } from '../world.ts';
import { conversation, type CorpusRow } from './row.ts';

const REPLIES: Readonly<Record<Intent, readonly string[]>> = {
  order: [
    'Thank you for your order. We will send {things} to {city}.',
    'With pleasure. {count} for {city}: your order is on our list.',
    'Your order of {things} will go to {city} <today|tomorrow|this week>.',
  ],
  cancel: [
    'We will cancel the order of {things} for {city}.',
    'That is no problem. {count} will not be sent to {city}, your order is off.',
    'Your order of {things} is stopped, nothing will go to {city}.',
  ],
  refund: [
    'We are sorry. You will get a refund for {things} in {city}.',
    'You will have your money back for {things} soon. Best wishes to {city}.',
    'A refund for {things} is on its way to {city}.',
  ],
  exchange: [
    'You can exchange {things} in {city} <today|this week|any day>.',
    'We will gladly swap {things} for you in {city}.',
    'Of course. The exchange of {things} is ready for you in {city}.',
  ],
  repair: [
    'We are sorry. We will repair {things} in {city}.',
    'Our repair shop in {city} will look at {things}.',
    'Please bring {things} to our shop in {city} for a repair.',
  ],
  track: [
    'We will track the parcel with {things} on the way to {city}.',
    'The parcel with {things} will be in {city} <tomorrow|soon|this week>.',
    'Sorry that you have to wait. We track {things} for {city} now.',
  ],
  invoice: [
    'We will send the invoice for {things} to {city}.',
    'A new invoice for {things} is on the way to {city}.',
    'Here is what you need: the invoice for {things}, sent to {city}.',
  ],
  stock: [
    'We have {things} in stock in {city}.',
    'Let me look. Yes, there [is/are] {things} in stock in {city}.',
    'Our shop in {city} has {things} in stock <now|this week>.',
  ],
};

const WISHES: Readonly<Record<Intent, string>> = {
  order: 'place an order',
  cancel: 'cancel an order',
  refund: 'get a refund',
  exchange: 'make an exchange',
  repair: 'get a repair',
  track: 'track a parcel',
  invoice: 'get an invoice',
  stock: 'know what is in stock',
};

/** @param isReserved messages that must not occur (the rows of the sample task) */
export function writeTicketChat(random: Random, isReserved: (message: string) => boolean): CorpusRow {
  const ticket = drawTicket(random);
  let message = writeMessage(random, ticket);
  while (isReserved(message)) message = writeMessage(random, ticket);
  const turns: string[] = [];
  if (random.chance(0.75)) turns.push(message, writeReply(random, ticket));
  const followUps = turns.length === 0 ? 1 : random.int(3);
  for (let asked = 0; asked < followUps; asked++) {
    const [question, answer] = askAbout(random, ticket);
    turns.push(turns.length === 0 ? withMessage(random, message, question) : question, answer);
  }
  return conversation(...turns);
}

function writeReply(random: Random, ticket: Ticket): string {
  const { intent, item, quantity, city } = ticket;
  const things = quantity === 1 ? `the ${item}` : `the ${quantity} ${inNumber(item, quantity)}`;
  const values = { city, things, count: `${quantity} ${inNumber(item, quantity)}` };
  return fill(random, random.pick(REPLIES[intent]), { values, isMany: quantity > 1 });
}

function withMessage(random: Random, message: string, question: string): string {
  return random.chance(0.5) ? `A customer wrote: ${message}\n${question}` : `${question}\n${message}`;
}

function askAbout(random: Random, { intent, item, quantity, city }: Ticket): [question: string, answer: string] {
  const ask = (question: string, answer: string): [string, string] => [fill(random, question), fill(random, answer)];
  return random.pick([
    ask('What does the customer <want|wish>?', `The customer wants to ${WISHES[intent]}.`),
    ask('<What|Which> item is <it|this> about?', `It is about <the|this> item: ${item}.`),
    ask('<Which|What> thing is it?', `It is ${withArticle(item)}.`),
    ask('<Which|What> city is it?', `<It is ${city}|The city is ${city}|${city}>.`),
    ask('How many <of them|items> are there?', `<There ${quantity === 1 ? 'is' : 'are'} ${quantity}|${quantity}>.`),
    ask(
      '<Say it in one line|Tell me in short>.',
      `A customer in ${city} writes about ${quantity} ${inNumber(item, quantity)} and wants to ${WISHES[intent]}.`,
    ),
  ]);
}
