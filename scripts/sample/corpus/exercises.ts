/**
 * @file Genre: short instructions with one right answer: copy, count, put into another number, sort, say the opposite.
 */
import { fill } from '../phrases.ts';
import { pickSeveral, type Random } from '../random.ts';
import {
  capitalize,
  CITIES,
  DAYS,
  FOODS,
  inNumber,
  LOOKS,
  MONTHS,
  NAMES,
  NUMBER_WORDS,
  THINGS,
  withArticle,
} from '../world.ts';
import { conversation, type CorpusRow } from './row.ts';

type Exercise = (random: Random) => readonly [task: string, answer: string];

const OPPOSITES = [
  ['big', 'small'],
  ['warm', 'cold'],
  ['open', 'closed'],
  ['new', 'old'],
  ['happy', 'sad'],
  ['early', 'late'],
  ['light', 'dark'],
  ['full', 'empty'],
  ['fast', 'slow'],
] as const;

/** Words in any order, once more or backwards: the plainest copying there is. */
const COPYING: readonly Exercise[] = [
  (random) => {
    const list = drawWords(random, 4 + random.int(7));
    return [fill(random, `<Repeat|Say again|Copy|Write down> the words: ${list.join(', ')}`), `${list.join(', ')}.`];
  },
  (random) => {
    const list = drawWords(random, 3 + random.int(4));
    return [`Turn the words around: ${list.join(', ')}`, `${list.reverse().join(', ')}.`];
  },
  (random) => {
    const list = drawWords(random, 3 + random.int(6));
    const at = random.int(list.length - 1);
    return [`Which word comes after ${list[at]!}: ${list.join(', ')}?`, `${list[at + 1]!} comes after ${list[at]!}.`];
  },
  (random) => {
    const [item, city, name] = [drawItem(random), random.pick(CITIES), random.pick(NAMES)];
    const lines = pickSeveral(random, [`the ${item}`, `in ${city}`, `for ${name}`], 3).join(' ');
    return [
      fill(random, `<Item, city and name|Tell me item, city and name>: ${lines}`),
      `The ${item}, ${city}, ${name}.`,
    ];
  },
];

const EXERCISES: readonly Exercise[] = [
  (random) => {
    const sentence = writeSentence(random);
    return [fill(random, `<Repeat|Say again|Copy>: ${sentence}`), sentence];
  },
  (random) => {
    const list = pickSeveral(random, random.pick([NAMES, CITIES, THINGS, FOODS]), 3 + random.int(3));
    const [which, at] = random.pick([
      ['first', 0],
      ['second', 1],
      ['third', 2],
      ['last', list.length - 1],
    ] as const);
    return [
      fill(random, `<Which|What> is the ${which} word: ${list.join(', ')}?`),
      `The ${which} word is ${list[at]!}.`,
    ];
  },
  (random) => {
    const list = pickSeveral(random, random.pick([NAMES, CITIES, THINGS, LOOKS]), 2 + random.int(5));
    return [`How many words are there: ${list.join(', ')}?`, `There are ${list.length} words.`];
  },
  (random) => {
    const [item, count] = [drawItem(random), 2 + random.int(11)];
    return [fill(random, `<Say one of them|Make it one>: ${drawCount(random, count)} ${item}s`), `One ${item}.`];
  },
  (random) => {
    const [item, count] = [drawItem(random), 2 + random.int(11)];
    return [`Make it ${drawCount(random, count)}: ${withArticle(item)}`, `${count} ${item}s.`];
  },
  (random) => {
    const count = random.int(13);
    const thing = inNumber(random.pick(THINGS), count);
    return [fill(random, `Write the <number|word> in digits: ${NUMBER_WORDS[count]!} ${thing}`), `${count} ${thing}.`];
  },
  (random) => {
    const count = random.int(13);
    return [`Write the number as a word: ${count}`, `${capitalize(NUMBER_WORDS[count]!)}.`];
  },
  (random) =>
    random.pick([
      ['How many is a pair?', 'A pair is 2.'],
      ['How many is a dozen?', 'A dozen is 12.'],
      ['How many is half a dozen?', 'Half a dozen is 6.'],
    ] as const),
  (random) => {
    const pair = random.pick(OPPOSITES);
    const turned = random.chance(0.5);
    return [`What is the opposite of ${pair[turned ? 1 : 0]}?`, `The opposite is ${pair[turned ? 0 : 1]}.`];
  },
  (random) => {
    const [list, at] = [random.pick([DAYS, MONTHS]), random.int(12)];
    const unit = list === DAYS ? 'day' : 'month';
    const name = list[at % list.length]!;
    return random.chance(0.5)
      ? [`Which ${unit} comes after ${name}?`, `${list[(at + 1) % list.length]!} comes after ${name}.`]
      : [`Which ${unit} comes before ${name}?`, `${list[(at + list.length - 1) % list.length]!} comes before ${name}.`];
  },
  (random) => {
    const [a, b] = [random.int(10), random.int(10)];
    return [fill(random, `<What is|How much is> ${a} and ${b}?`), `${a} and ${b} is ${a + b}.`];
  },
  (random) => {
    const [name, city] = [random.pick(NAMES), random.pick(CITIES)];
    const item = withArticle(drawItem(random));
    return [
      fill(random, `Write a sentence with <these words|the words> ${name}, ${item} and ${city}.`),
      fill(random, `${name} <has|wants|sees> ${item} in ${city}.`),
    ];
  },
  (random) => {
    const name = random.pick(NAMES);
    return [
      fill(random, `<Hello|Hi|Hey>, <I am|my name is> ${name}. <How are you?|Who am I?|Nice to meet you.>`),
      fill(random, `<Hello|Hi>, ${name}. <How can I help you?|It is good to hear from you.>`),
    ];
  },
];

/** One or two exercises in copying. */
export function writeCopying(random: Random): CorpusRow {
  const count = 1 + random.int(2);
  return conversation(...Array.from({ length: count }, () => random.pick(COPYING)(random)).flat());
}

export function writeExercises(random: Random): CorpusRow {
  const count = 1 + random.int(3);
  return conversation(...Array.from({ length: count }, () => random.pick(EXERCISES)(random)).flat());
}

function drawItem(random: Random): string {
  return `${random.pick(LOOKS)} ${random.pick(THINGS)}`;
}

/** Words of all kinds, none twice. */
function drawWords(random: Random, count: number): string[] {
  return pickSeveral(random, [...NAMES, ...CITIES, ...THINGS, ...LOOKS, ...FOODS, ...DAYS], count);
}

function drawCount(random: Random, count: number): string {
  return random.pick([String(count), NUMBER_WORDS[count]!]);
}

function writeSentence(random: Random): string {
  const values = {
    name: random.pick(NAMES),
    city: random.pick(CITIES),
    item: withArticle(drawItem(random)),
    day: random.pick(DAYS),
    number: String(100 + random.int(900)),
  };
  const pattern = random.pick([
    '{name} lives in {city}.',
    'Order {number} goes to {name} in {city}.',
    '{name} wants {item} on {day}.',
    'The number of {name} is {number}.',
    '{item}, {city}, {name}, {day}.',
    'On {day} the train to {city} is late.',
  ]);
  return fill(random, pattern, { values });
}
