/**
 * @file How customers say what they want: wordings for each intent (patterns of phrases.ts).
 *
 * {a}, {my} and {the} are the item with its number ("a blue kettle", "my 2 blue kettles"). A wording without {city} gets a sentence
 * of its own that names the city.
 */

export const INTENTS = ['order', 'cancel', 'refund', 'exchange', 'repair', 'track', 'invoice', 'stock'] as const;
export type Intent = (typeof INTENTS)[number];

export const REQUESTS: Readonly<Record<Intent, readonly string[]>> = {
  order: [
    'I <want|would like> to <buy|order> {a}, <send|ship> [it/them] to {city}',
    '<can|could> I <get|order> {a} <sent|shipped> to {city}?',
    'please send {a} to my <flat|house|sister|shop> in {city}',
    'I <need|want> {a} for my <kitchen|office|mother|new flat>',
    'I will take {a}, <tell me how to pay|I can pay today>',
    'we want to order {a} for our <cafe|shop|school> in {city}',
    'I want to buy {a} <today|this week|for a friend>',
    'a new order: {a}, to be sent to {city}',
    'how can I order {a}?',
    '<can|could> you ship {a} to {city}? I will pay <now|today>',
  ],
  cancel: [
    'please cancel my order for {a}',
    "I <do not|don't> need {the} any more, please stop the order to {city}",
    'I changed my mind about {the}, do not send [it/them]',
    'stop my order of {a} please, it was a mistake',
    'I ordered {a} by mistake, <please cancel that|forget the order>',
    '<can|could> you cancel {the} I ordered <on {day}|last week|yesterday> for {city}?',
    'no need to send {a} to {city} any more, cancel that',
    'I found {a} <somewhere else|in another shop>, so do not ship mine to {city}',
    'I want to cancel {the} <from {day}|I ordered>',
    '{the} [is/are] no longer needed, take back my order',
  ],
  refund: [
    'I want my money back for {the}',
    '{the} [is/are] <bad|poor|too thin>, I want my money back',
    'please refund {the} I <bought|got> in your {city} shop',
    'I sent back {the} <on {day}|last week> and still have no money',
    'I paid for {a} that never came, give me my money back',
    'when do I get the money for {the} I returned in {city}?',
    'I paid twice for {the}, I want <a refund|the money back>',
    'not happy with {the}, I would like a refund',
    'you took money for {a} but I sent [it/them] back from {city}',
    '<can|could> I get a refund for {the}?',
  ],
  exchange: [
    'I would like to <swap|exchange> {the} for another colour',
    '{the} [is/are] <too big|too dark|the wrong size>, can I swap [it/them]?',
    'you sent the wrong colour, I want to <swap|exchange> {my}',
    '<can|could> I bring {the} to the {city} shop and take another size?',
    'wrong size! please <change|swap> {the}',
    'I got {a} but I wanted another kind, please exchange [it/them]',
    '<can|could> {the} be changed for a new model in {city}?',
    'I picked the wrong colour, can I change {my}?',
    'please take {the} back and give me another kind',
    'I want to exchange {the} <I got on {day}|from last week> in {city}',
  ],
  repair: [
    '{my} [is/are] broken, can you fix [it/them]?',
    '{my} stopped working <on {day}|yesterday|last week>',
    'who can <fix|repair> {a} in {city}?',
    'I need a repair for {my}',
    '{my} [does/do] not work any more, please <fix|repair> [it/them]',
    'there is a crack in {my}, can somebody in {city} fix [it/them]?',
    'a part came off {my}, I want [it/them] <fixed|repaired>',
    '{my} fell down and broke, do you repair things in {city}?',
    'I broke {my}, how much is a repair?',
    'something is wrong with {my}, please repair [it/them] in {city}',
  ],
  track: [
    'where [is/are] {my}?',
    '{my} should have been here <on {day}|last week|yesterday>',
    'I am still waiting for {the}',
    'when will {the} arrive in {city}?',
    'I ordered {a} <3|4|5|6> <days|weeks> ago and nothing came',
    'any news about {the} on the way to {city}?',
    'has the parcel with {the} left yet?',
    'no sign of {my} yet, where is the parcel?',
    'how long until {the} [gets/get] to {city}?',
    'I ordered {a} <on {day}|last week>, has the parcel left for {city}?',
  ],
  invoice: [
    'please send me the <invoice|bill> for {the}',
    'I need <a bill|an invoice|a receipt> for {the} for my <boss|office>',
    'the bill for {the} is missing',
    'there was no receipt with {the} you sent to {city}',
    '<can|could> I get the bill for {the}?',
    'my <boss|office> in {city} needs the invoice for {the}',
    'the price on the bill for {the} is wrong',
    'I lost the receipt for {the}, please send it again',
    'I paid for {the} on {day} but got no <invoice|receipt>',
    'please write my name on the invoice for {the} sent to {city}',
  ],
  stock: [
    'do you have {a} in your {city} shop?',
    '[is/are] {a} in stock?',
    'do you still sell {a}?',
    '[is/are] there {a} left in the {city} shop?',
    '<can|could> you check if you have {a} <in stock|left>?',
    'is it possible to find {a} in {city}?',
    'I can not find {a} on your page, do you still have [it/them]?',
    'will you have {a} in the shop <on {day}|this week>?',
    'how soon will you have {a} in stock again?',
    'does the shop in {city} sell {a}?',
  ],
};

export const CITY_SENTENCES = [
  'I live in {city}',
  'I am in {city}',
  'this is {name} from {city}',
  'my <flat|house|office> is in {city}',
  '<greetings|best wishes> from {city}',
  'it is about the {city} shop',
  'I am writing from {city}',
  'we live in {city}',
  'my city is {city}',
  '{name} here, from {city}',
] as const;

export const OPENERS = ['Hi', 'Hello', 'Hey', 'Hi there', 'Good morning', 'Dear shop', 'Good evening'] as const;

export const CLOSERS = [
  'Thanks!',
  'Thank you.',
  'Thank you, {name}',
  'Thanks, {name}',
  'Best wishes, {name}',
  'My order number is {number}.',
  'Please answer soon.',
  'You can call me on {day}.',
  'Order {number}.',
] as const;
