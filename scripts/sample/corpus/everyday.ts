/**
 * @file Genre: questions about everyday things, answered in a sentence or two. It widens the vocabulary beyond the shop's.
 */
import { fill } from '../phrases.ts';
import { pickSeveral, type Random } from '../random.ts';
import { capitalize, NAMES, withArticle } from '../world.ts';
import { conversation, type CorpusRow } from './row.ts';

/** A thing, its kind, what it does or is for ("... is used to ..."), where it is met. */
type Fact = readonly [thing: string, kind: string, use: string, place: string];

const USEFUL: readonly Fact[] = [
  ['spoon', 'tool', 'eat soup or stir tea', 'drawer in the kitchen'],
  ['knife', 'tool', 'cut bread and vegetables', 'drawer in the kitchen'],
  ['hammer', 'tool', 'drive nails into wood', 'workshop'],
  ['ladder', 'tool', 'climb up to the roof', 'cellar'],
  ['needle', 'tool', 'sew a button on a coat', 'sewing box'],
  ['broom', 'tool', 'sweep the floor', 'corner of the hall'],
  ['shovel', 'tool', 'dig a hole in the ground', 'shed'],
  ['candle', 'light', 'see in the dark', 'dining room'],
  ['pencil', 'writing thing', 'draw pictures and write letters', 'school'],
  ['stamp', 'small paper', 'pay for sending a letter', 'post office'],
  ['key', 'piece of metal', 'unlock a door', 'pocket'],
  ['coat', 'piece of clothing', 'stay warm in winter', 'wardrobe'],
  ['glove', 'piece of clothing', 'keep the fingers warm', 'pocket'],
  ['boat', 'vehicle', 'cross a river or a lake', 'harbour'],
  ['tractor', 'vehicle', 'plough the field', 'farm'],
  ['ambulance', 'vehicle', 'bring sick people to hospital', 'street'],
  ['plane', 'vehicle', 'fly to another country', 'airport'],
  ['bus', 'vehicle', 'travel through the town', 'street'],
  ['ticket', 'piece of paper', 'ride on a train', 'railway station'],
  ['map', 'large paper', 'find the right road', 'car'],
  ['calendar', 'list of days', 'remember birthdays', 'wall'],
  ['oven', 'machine', 'bake cakes', 'kitchen'],
  ['fridge', 'machine', 'keep milk and butter fresh', 'kitchen'],
  ['vacuum', 'machine', 'clean the carpet', 'living room'],
  ['computer', 'machine', 'write programs and play games', 'office'],
  ['scale', 'instrument', 'measure the weight of flour', 'bakery'],
  ['compass', 'instrument', 'know where north is', 'ship'],
  ['flute', 'instrument', 'make quiet music', 'concert'],
  ['violin', 'instrument', 'play a slow song', 'concert'],
  ['soap', 'product', 'wash dirty hands', 'bathroom'],
  ['bandage', 'product', 'cover a wound', 'first aid box'],
  ['medicine', 'product', 'help against fever', 'pharmacy'],
  ['rope', 'strong string', 'pull heavy things', 'ship'],
  ['fence', 'border', 'keep cows on the meadow', 'farm'],
];

const LIVING: readonly Fact[] = [
  ['bee', 'insect', 'collects honey from flowers', 'meadow'],
  ['spider', 'small animal', 'catches flies in a net', 'corner'],
  ['owl', 'bird', 'hunts mice at night', 'forest'],
  ['eagle', 'bird', 'flies high above mountains', 'mountains'],
  ['whale', 'sea animal', 'swims through the ocean', 'ocean'],
  ['frog', 'small animal', 'jumps into the pond', 'pond'],
  ['squirrel', 'small animal', 'hides nuts for winter', 'forest'],
  ['camel', 'large animal', 'walks through hot sand', 'desert'],
  ['elephant', 'large animal', 'drinks with its trunk', 'zoo'],
  ['chicken', 'farm animal', 'lays eggs every morning', 'farm'],
  ['oak', 'tree', 'grows slowly and becomes very old', 'forest'],
  ['tulip', 'flower', 'blooms in spring', 'garden'],
  ['mushroom', 'plant', 'grows after much rain', 'forest'],
  ['carrot', 'vegetable', 'grows under the ground', 'field'],
  ['potato', 'vegetable', 'is boiled or fried for dinner', 'field'],
  ['lemon', 'fruit', 'tastes sour', 'market'],
  ['banana', 'fruit', 'tastes sweet', 'market'],
  ['cloud', 'part of the sky', 'brings rain or snow', 'sky'],
  ['river', 'stream of water', 'runs from the hills into the sea', 'valley'],
  ['moon', 'round body', 'shines at night', 'sky'],
];

const HABITS = [
  ['in spring', 'people plant flowers and open the windows'],
  ['in summer', 'children swim in the lake and eat ice cream'],
  ['in autumn', 'leaves fall and farmers bring in the harvest'],
  ['in winter', 'snow lies on the roofs and everybody wears gloves'],
  ['in the morning', 'they brush their teeth and drink coffee'],
  ['at noon', 'workers have lunch with colleagues'],
  ['in the evening', 'families cook dinner and watch films'],
  ['at night', 'most people sleep and dream'],
  ['at the weekend', 'they visit parents or play football'],
  ['on holidays', 'they pack bags and travel abroad'],
  ['before an exam', 'students study hard and feel nervous'],
  ['after a storm', 'neighbours clear branches from the road'],
  ['at a wedding', 'guests dance, sing and laugh'],
  ['when it is dark', 'drivers switch on their lights'],
  ['when somebody is ill', 'a friend brings fruit and books'],
] as const;

type Exchange = readonly [question: string, answer: string];

export function writeEveryday(random: Random): CorpusRow {
  const facts = pickSeveral(random, [askUse, askLife, askHabit, askLife, askUse], 1 + random.int(3));
  if (random.chance(0.3)) return { text: facts.map((ask) => ask(random)[1]).join(' ') };
  return conversation(...facts.flatMap((ask) => ask(random)));
}

function askUse(random: Random): Exchange {
  const [thing, kind, use, place] = random.pick(USEFUL);
  const a = withArticle(thing);
  return random.pick([
    [`What is ${a}?`, `${capitalize(a)} is ${withArticle(kind)} to ${use}.`],
    [`What can you do with ${a}?`, `With ${a} you can ${use}.`],
    [`Where do I find ${a}?`, `You can look in the ${place}. People use it to ${use}.`],
    [`Which ${kind} helps to ${use}?`, `${capitalize(a)} does.`],
    [fill(random, `<I have|Here is> ${a}. What is it for?`), `It is used to ${use}.`],
  ] as const);
}

function askLife(random: Random): Exchange {
  const [thing, kind, habit, place] = random.pick(LIVING);
  const a = withArticle(thing);
  return random.pick([
    [`What is ${a}?`, `${capitalize(a)} is ${withArticle(kind)} that ${habit}.`],
    [`Tell me about the ${thing}.`, `The ${thing} ${habit}. It belongs to the ${place}.`],
    [`Which ${kind} ${habit}?`, `The ${thing} ${habit}.`],
    [
      `${random.pick(NAMES)} saw ${a}. Where was that?`,
      `Perhaps it was in the ${place}, because the ${thing} ${habit}.`,
    ],
  ] as const);
}

function askHabit(random: Random): Exchange {
  const [time, habit] = random.pick(HABITS);
  return random.pick([
    [`What happens ${time}?`, `${capitalize(time)} ${habit}.`],
    [`What do people do ${time}?`, `Usually ${habit}.`],
    [`Give an example of life ${time}.`, `For example, ${habit}.`],
  ] as const);
}
