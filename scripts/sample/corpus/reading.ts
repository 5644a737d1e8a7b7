/**
 * @file Genre: a short passage about people and things, then questions whose answers stand in it. Teaches to find and copy.
 */
import { fill } from '../phrases.ts';
import { pickSeveral, type Random } from '../random.ts';
import {
  ANIMALS,
  CITIES,
  DAYS,
  FOODS,
  inNumber,
  JOBS,
  LOOKS,
  NAMES,
  NUMBER_WORDS,
  PLACES,
  THINGS,
  WEATHERS,
  withArticle,
} from '../world.ts';
import { conversation, type CorpusRow } from './row.ts';

interface Passage {
  readonly text: string;
  readonly questions: readonly (readonly [question: string, answer: string])[];
}

const ASKING = [
  '{question}\n{passage}',
  '{passage}\n{question}',
  '{passage} {question}',
  'Read this: {passage}\n{question}',
];

export function writeReading(random: Random): CorpusRow {
  const passage = random.pick([writePurchase, writePerson, writeParcels, writeVisit])(random);
  const asked = pickSeveral(random, passage.questions, 1 + random.int(4));
  const [first, ...others] = asked;
  const opening = fill(random, random.pick(ASKING), { values: { passage: passage.text, question: first![0] } });
  return conversation(opening, first![1], ...others.flat());
}

function writePurchase(random: Random): Passage {
  const [name, city, day] = [random.pick(NAMES), random.pick(CITIES), random.pick(DAYS)];
  const quantity = 1 + random.int(12);
  const item = `${random.pick(LOOKS)} ${random.pick(THINGS)}`;
  const bought = `${random.pick([String(quantity), NUMBER_WORDS[quantity]!])} ${inNumber(item, quantity)}`;
  const price = String(5 + random.int(90));
  const values = { name, city, day, bought, price };
  const where = random.pick([
    'On {day} {name} bought {bought} in {city}.',
    '{name} went to {city} on {day} and bought {bought}.',
    'In {city}, {name} found {bought} on {day}.',
  ]);
  const cost = random.pick(['The price was {price} euros.', 'It cost {price} euros.', '{name} paid {price} euros.']);
  return {
    text: fill(random, `${where} ${cost}`, { values }),
    questions: [
      ['Who bought something?', `${name}.`],
      [`What did ${name} buy?`, `${name} bought ${quantity} ${inNumber(item, quantity)}.`],
      ['How many were there?', `There ${quantity === 1 ? 'was' : 'were'} ${quantity}.`],
      ['Which item was it?', `The item was ${withArticle(item)}.`],
      ['In which city was it?', `In ${city}.`],
      ['On which day was it?', `On ${day}.`],
      ['What was the price?', `The price was ${price} euros.`],
    ],
  };
}

function writePerson(random: Random): Passage {
  const [name, friend] = pickSeveral(random, NAMES, 2) as [string, string];
  const [city, job, animal, food] = [random.pick(CITIES), random.pick(JOBS), random.pick(ANIMALS), random.pick(FOODS)];
  const look = random.pick(LOOKS);
  const values = { name, friend, city, job: withArticle(job), animal: `${look} ${animal}`, food };
  const patterns = [
    '{name} is {job} and lives in {city}',
    '{name} has a <pet|friend at home>: the {animal}',
    '{name} often eats {food} with {friend}',
  ];
  const text = pickSeveral(random, patterns, 3).map((pattern) => `${fill(random, pattern, { values })}.`);
  return {
    text: text.join(' '),
    questions: [
      [`Where does ${name} live?`, `${name} lives in ${city}.`],
      [`What is the job of ${name}?`, `${name} is ${withArticle(job)}.`],
      [`Which animal does ${name} have?`, `The ${look} ${animal}.`],
      [`What does ${name} eat?`, `${name} eats ${food}.`],
      [`Who is with ${name}?`, `${friend} is with ${name}.`],
    ],
  };
}

const PARCEL_SENTENCES = [
  '{name} in {city} gets {item}.',
  'The parcel with {item} goes to {name} in {city}.',
  '{name} waits in {city} for {item}.',
];

/** Two parcels, so that each question has to tell them apart. */
function writeParcels(random: Random): Passage {
  const names = pickSeveral(random, NAMES, 2) as [string, string];
  const cities = pickSeveral(random, CITIES, 2) as [string, string];
  const items = pickSeveral(random, THINGS, 2).map((thing) => `${random.pick(LOOKS)} ${thing}`) as [string, string];
  const sentence = (index: 0 | 1): string => {
    const values = { name: names[index], city: cities[index], item: withArticle(items[index]) };
    return fill(random, random.pick(PARCEL_SENTENCES), { values });
  };
  const about = (index: 0 | 1): Passage['questions'] => [
    [`Where is ${names[index]}?`, `${names[index]} is in ${cities[index]}.`],
    [`What does ${names[index]} get?`, `${names[index]} gets ${withArticle(items[index])}.`],
    [`Who is in ${cities[index]}?`, `${names[index]}.`],
    [`Which city gets the ${items[index]}?`, `${cities[index]}.`],
  ];
  return { text: `${sentence(0)} ${sentence(1)}`, questions: [...about(0), ...about(1)] };
}

function writeVisit(random: Random): Passage {
  const [name, friend] = pickSeveral(random, NAMES, 2) as [string, string];
  const values = {
    name,
    friend,
    city: random.pick(CITIES),
    place: random.pick(PLACES),
    day: random.pick(DAYS),
    weather: random.pick(WEATHERS),
  };
  const pattern = random.pick([
    'On a {weather} {day} {name} met {friend} at the {place} in {city}.',
    '{name} and {friend} were at the {place} in {city} on {day}. It was {weather}.',
    'It was {weather} in {city} on {day} when {name} saw {friend} at the {place}.',
  ]);
  const { city, place, day, weather } = values;
  return {
    text: fill(random, pattern, { values }),
    questions: [
      ['What was the weather like?', `It was ${weather}.`],
      ['Where did they meet?', `They met at the ${place} in ${city}.`],
      ['Which day was it?', `It was ${day}.`],
      ['Who was there?', `${name} and ${friend} were there.`],
      ['Name the city.', `${city}.`],
    ],
  };
}
