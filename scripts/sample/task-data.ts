/**
 * @file The sample task: informal customer messages turned into one line of fixed form, as training and held-out rows.
 */
import Papa from 'papaparse';
import { createRandom, type Random } from './random.ts';
import { INTENTS, type Intent } from './ticket-phrases.ts';
import { drawTicket, formatTicket, writeMessage } from './tickets.ts';

export interface TaskRow {
  readonly message: string;
  readonly answer: string;
  readonly label: Intent;
}

export interface TaskData {
  readonly train: readonly TaskRow[];
  readonly test: readonly TaskRow[];
}

const SEED = 20;
/** Multiples of the number of intents, so that each has the same number of rows. */
const TRAIN_ROWS = 560;
const TEST_ROWS = 120;

/** The same rows each time; no message occurs twice. */
export function makeTaskData(): TaskData {
  const random = createRandom(SEED, 0);
  const seen = new Set<string>();
  const rows = Array.from({ length: TRAIN_ROWS + TEST_ROWS }, (_, index) =>
    makeRow(random, INTENTS[index % INTENTS.length]!, seen),
  );
  const train = shuffle(createRandom(SEED, 1), rows.slice(0, TRAIN_ROWS));
  return { train, test: shuffle(createRandom(SEED, 2), rows.slice(TRAIN_ROWS)) };
}

function makeRow(random: Random, intent: Intent, seen: Set<string>): TaskRow {
  for (;;) {
    const ticket = drawTicket(random, intent);
    const message = writeMessage(random, ticket);
    if (seen.has(message)) continue;
    seen.add(message);
    return { message, answer: formatTicket(ticket), label: intent };
  }
}

function shuffle<T>(random: Random, list: readonly T[]): T[] {
  const keyed = list.map((value) => ({ value, key: random.int(2 ** 31) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}

/** Files of resources/sample-data but the README: name -> text. */
export function renderTaskFiles({ train, test }: TaskData): ReadonlyMap<string, string> {
  const table = [...train, ...test].map(({ message, label }) => ({ text: message, label }));
  return new Map([
    ['train.jsonl', renderMessages(train)],
    ['test.jsonl', renderMessages(test)],
    ['tickets.csv', `${Papa.unparse(table, { newline: '\n' })}\n`],
  ]);
}

function renderMessages(rows: readonly TaskRow[]): string {
  const lines = rows.map(({ message, answer, label }) => {
    const messages = [
      { role: 'user', content: message },
      { role: 'assistant', content: answer },
    ];
    return `${JSON.stringify({ messages, label })}\n`;
  });
  return lines.join('');
}
