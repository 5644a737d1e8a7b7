/**
 * @file Genre: stories of a few sentences in which people lose, find, mend, buy or give things. Names and things come back, so a
 * reader has to remember them.
 */
import { fill } from '../phrases.ts';
import { pickSeveral, type Random } from '../random.ts';
import {
  ANIMALS,
  capitalize,
  CITIES,
  DAYS,
  FOODS,
  JOBS,
  LOOKS,
  MONTHS,
  NAMES,
  PLACES,
  THINGS,
  WEATHERS,
  withArticle,
} from '../world.ts';
import type { CorpusRow } from './row.ts';

const OPENINGS = [
  'On a {weather} {day} in {month}, {name} walked to the {place} in {city}.',
  '{name} was {job} in {city} and had {aItem}.',
  'Once {name} and {friend} lived in the same house in {city}.',
  'It was {weather} in {city}, and {name} was at the {place}.',
  'Every {day} {name} met {friend} at the {place}.',
  'In {month} {name} moved from {city} to {otherCity} to be {job}.',
];

/** A plot: sentences in their order; each of them may be left out but the first. */
const PLOTS: readonly (readonly string[])[] = [
  [
    'There {name} lost the {item}.',
    '"Have you seen my {item}?" {name} asked {friend}.',
    '{friend} looked <under the table|behind the door|in the garden|near the {place}> and found it.',
    '{name} was happy to have the {item} again and gave {friend} some {food}.',
  ],
  [
    'The {item} of {name} was broken.',
    '{friend}, who was {otherJob}, said: "I can fix it for you."',
    'It took {friend} <two hours|a whole day|three days> to repair the {item}.',
    '"Thank you, {friend}," said {name}, "it works again."',
  ],
  [
    '{name} wanted to buy {aItem} for {friend}.',
    'The shop in {city} had no {thing} in stock, only {otherItem}s.',
    'So {name} took the train to {otherCity} and found the {item} there.',
    'On {day} {name} gave it to {friend}, and both ate {food}.',
  ],
  [
    '{name} had a <small|young|old> {animal} that liked {food}.',
    'One day the {animal} ran away to the {place}.',
    '{friend} saw the {animal} and called {name}.',
    'Now the {animal} sleeps near the {item}, and {name} is glad.',
  ],
  [
    'A parcel came for {name}, but it was not the {item}.',
    'There was {otherItem} inside, and the bill was for {friend} in {otherCity}.',
    '{name} wrote a letter, and the shop was sorry and sent the right parcel.',
    'The intent was good, but the name on the box was wrong.',
  ],
  [
    '{name} asked: "Where is the {item}?"',
    '"I lent it to {friend}," said the {animal} owner, "who lives in {otherCity}."',
    'So {name} went to {otherCity} on {day}, and {friend} gave the {item} back.',
    'They had {food} and talked about the {weather} <days|weeks> in {month}.',
  ],
];

const ENDINGS = [
  'It was a good day.',
  'After that {name} and {friend} were friends.',
  'That was the story of {name} and the {item}.',
  'And the {item}? It is still in {city}.',
  'In the evening {name} went home.',
  '{friend} still tells the story in {otherCity}.',
];

export function writeStory(random: Random): CorpusRow {
  const count = 1 + random.int(3);
  return { text: Array.from({ length: count }, () => writeParagraph(random)).join('\n\n') };
}

function writeParagraph(random: Random): string {
  const [name, friend] = pickSeveral(random, NAMES, 2) as [string, string];
  const [city, otherCity] = pickSeveral(random, CITIES, 2) as [string, string];
  const [thing, otherThing] = pickSeveral(random, THINGS, 2) as [string, string];
  const item = `${random.pick(LOOKS)} ${thing}`;
  const values = {
    name,
    friend,
    city,
    otherCity,
    thing,
    item,
    aItem: withArticle(item),
    otherItem: withArticle(`${random.pick(LOOKS)} ${otherThing}`),
    job: withArticle(random.pick(JOBS)),
    otherJob: withArticle(random.pick(JOBS)),
    animal: random.pick(ANIMALS),
    food: random.pick(FOODS),
    place: random.pick(PLACES),
    day: random.pick(DAYS),
    month: random.pick(MONTHS),
    weather: random.pick(WEATHERS),
  };
  const [first, ...others] = random.pick(PLOTS);
  const kept = others.filter(() => random.chance(0.85));
  const patterns = [random.pick(OPENINGS), first!, ...kept, ...(random.chance(0.6) ? [random.pick(ENDINGS)] : [])];
  return patterns.map((pattern) => capitalize(fill(random, pattern, { values }))).join(' ');
}
