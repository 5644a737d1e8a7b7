/**
 * @file Genre: things that people write down: a card of keys and values below the sentence that it comes from, tables, price lists,
 * diaries and letters. Every token of the sample task's answers is met here or in the other genres, but never in that form.
 */
import { fill } from '../phrases.ts';
import { pickSeveral, type Random } from '../random.ts';
import {
  capitalize,
  CITIES,
  DAYS,
  FOODS,
  inNumber,
  JOBS,
  LOOKS,
  MONTHS,
  NAMES,
  NUMBER_WORDS,
  PLACES,
  THINGS,
  WEATHERS,
  withArticle,
} from '../world.ts';
import type { CorpusRow } from './row.ts';

type Note = (random: Random) => string;

const PLANS = ['learn to swim', 'buy a house', 'read more', 'work less', 'see the sea', 'bake bread', 'sell the car'];

const NOTES: readonly Note[] = [writeCard, writeTimetable, writePriceList, writeDiary, writeLetter];

export function writeNote(random: Random): CorpusRow {
  const count = 1 + random.int(2);
  return { text: Array.from({ length: count }, () => random.pick(NOTES)(random)).join('\n\n') };
}

/** A sentence about a person, then the same facts as lines of key and value. */
function writeCard(random: Random): string {
  const quantity = 1 + random.int(12);
  const item = `${random.pick(LOOKS)} ${random.pick(THINGS)}`;
  const counted = `${random.pick([String(quantity), NUMBER_WORDS[quantity]!])} ${inNumber(item, quantity)}`;
  const facts: readonly Fact[] = [
    factOf(random, 'name', random.pick(NAMES), 'the name is {value}', 'this is {value}', '{value} wrote it'),
    factOf(random, 'city', random.pick(CITIES), 'the city is {value}', 'it is in {value}', 'home is {value}'),
    factOf(random, 'day', random.pick(DAYS), 'it was on {value}', 'the day is {value}'),
    factOf(random, 'job', random.pick(JOBS), 'the job is {value}', 'we need a {value}'),
    factOf(random, 'food', random.pick(FOODS), 'the food is {value}', 'we had {value}'),
    factOf(random, 'intent', random.pick(PLANS), 'the plan is to {value}', 'I want to {value}'),
    factOf(random, 'weather', random.pick(WEATHERS), 'the weather is {value}', 'it is {value}'),
    factOf(random, 'item', item, `there ${quantity === 1 ? 'was' : 'were'} ${counted}`, `I bought ${counted}`),
  ];
  const chosen = pickSeveral(random, facts, 2 + random.int(3));
  const sentence = capitalize(chosen.map(([, , part]) => part).join(', '));
  return `${sentence}.\n${chosen.map(([key, value]) => `${key}: ${value}`).join('\n')}`;
}

type Fact = readonly [key: string, value: string, sentence: string];

function factOf(random: Random, key: string, value: string, ...patterns: readonly string[]): Fact {
  return [key, value, fill(random, random.pick(patterns), { values: { value } })];
}

/** Rows of a table with bars between the columns. */
function writeTimetable(random: Random): string {
  const rows = pickSeveral(random, DAYS, 2 + random.int(3));
  const columns = random.int(3);
  const cells = (day: string): string[] => {
    if (columns === 0)
      return [day, random.pick(CITIES), `${6 + random.int(14)}:${random.pick(['00', '15', '30', '45'])}`];
    if (columns === 1) return [random.pick(NAMES), random.pick(JOBS), random.pick(CITIES)];
    return [`${random.pick(LOOKS)} ${random.pick(THINGS)}`, String(1 + random.int(12)), `${5 + random.int(90)} euros`];
  };
  return rows.map((day) => cells(day).join(' | ')).join('\n');
}

function writePriceList(random: Random): string {
  const things = pickSeveral(random, THINGS, 2 + random.int(3));
  const lines = things.map(
    (thing) => `- ${random.pick(LOOKS)} ${thing}, qty ${1 + random.int(12)}, ${5 + random.int(90)} euros`,
  );
  return `${fill(random, '<Price list|Things to buy|In the store|Order list> for {city}', { values: { city: random.pick(CITIES) } })}\n${lines.join('\n')}`;
}

function writeDiary(random: Random): string {
  const values = {
    date: `${1 + random.int(28)} ${random.pick(MONTHS)}`,
    city: random.pick(CITIES),
    name: random.pick(NAMES),
    place: random.pick(PLACES),
    weather: random.pick(WEATHERS),
    item: withArticle(`${random.pick(LOOKS)} ${random.pick(THINGS)}`),
    plan: random.pick(PLANS),
    food: random.pick(FOODS),
  };
  const patterns = [
    '{weather} in {city} today.',
    'I met {name} at the {place}.',
    'We had {food} and talked.',
    'My intent is to {plan} this year.',
    'I found {item} at the {place}.',
    '{name} will call me tomorrow.',
    'I have to send {item} to {city}.',
  ];
  const sentences = pickSeveral(random, patterns, 2 + random.int(3)).map((pattern) =>
    fill(random, pattern, { values }),
  );
  return `${values.date}\n${sentences.join(' ')}`;
}

function writeLetter(random: Random): string {
  const [name, friend] = pickSeveral(random, NAMES, 2) as [string, string];
  const values = {
    name,
    friend,
    city: random.pick(CITIES),
    item: withArticle(`${random.pick(LOOKS)} ${random.pick(THINGS)}`),
    day: random.pick(DAYS),
    month: random.pick(MONTHS),
    weather: random.pick(WEATHERS),
    food: random.pick(FOODS),
    place: random.pick(PLACES),
  };
  const patterns = [
    'How are you? Here in {city} it is {weather}.',
    'I will come to {city} on {day}.',
    'Thank you for the letter from {month}.',
    'Please bring {item} with you.',
    'We can meet at the {place} and eat {food}.',
    'In {month} I want to visit you.',
    'I still have {item} of yours.',
  ];
  const body = pickSeveral(random, patterns, 2 + random.int(3)).map((pattern) => fill(random, pattern, { values }));
  return `Dear ${friend},\n${body.join(' ')}\n${random.pick(['Best wishes', 'Your friend', 'Greetings', 'See you soon'])}, ${name}`;
}
