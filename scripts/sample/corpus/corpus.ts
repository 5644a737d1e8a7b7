/**
 * @file The pre-training corpus: genres mixed in fixed shares, made from a seed. What the sample task asks for is not in it: no message
 * of the task and no line of its form.
 */
import { createRandom, type Random } from '../random.ts';
import type { TaskData } from '../task-data.ts';
import { writeEveryday } from './everyday.ts';
import { writeCopying, writeExercises } from './exercises.ts';
import { writeNote } from './notes.ts';
import { writeReading } from './reading.ts';
import type { CorpusRow } from './row.ts';
import { writeStory } from './stories.ts';
import { writeTicketChat } from './ticket-chats.ts';

const SEED = 7;

export interface Corpus {
  readonly conversations: readonly CorpusRow[];
  readonly texts: readonly CorpusRow[];
}

/**
 * @param rows number of examples, conversations and texts together
 * @param task its messages are kept out
 */
export function makeCorpus(rows: number, task: TaskData): Corpus {
  const reserved = new Set([...task.train, ...task.test].map(({ message }) => message));
  const genres: readonly (readonly [share: number, write: (random: Random) => CorpusRow])[] = [
    [36, (random) => writeTicketChat(random, (message) => reserved.has(message))],
    [22, writeReading],
    [12, writeCopying],
    [10, writeExercises],
    [4, writeEveryday],
    [8, writeStory],
    [8, writeNote],
  ];
  const slots = genres.flatMap(([share, write]) => new Array<(random: Random) => CorpusRow>(share).fill(write));
  const random = createRandom(SEED, 0);
  const made = Array.from({ length: rows }, () => random.pick(slots)(random));
  return {
    conversations: made.filter((row) => 'messages' in row),
    texts: made.filter((row) => 'text' in row),
  };
}

/** One JSON object a line. */
export function renderRows(rows: readonly CorpusRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** All text of a row, for counting and for the tokenizer. */
export function textOf(row: CorpusRow): string {
  return 'text' in row ? row.text : row.messages.map(({ content }) => content).join('\n');
}
