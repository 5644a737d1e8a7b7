/**
 * @file npm run bench: our speed and memory beside PyTorch + PEFT on the same machine, the same weights and the same rows.
 *
 *   npm run bench                            all parts, about 70 minutes; writes RESULTS.md and results.json
 *   npm run bench -- training                one part; takes the place of what this machine measured before
 *   npm run bench -- training --workload 4x256       one shape of the 135M model (45 minutes the whole part, 15 this shape)
 *   npm run bench -- training --quick        one round of the first shape; only prints
 *   npm run bench -- --busy --quick --model tiny     tries the bench itself
 *   npm run bench -- training --model 360M --arms Tunesmith --rounds 3 --steps 8     some arms; only prints
 *
 * Protocol: quiet machine (else it stops), pinned threads, arms in turn in fresh processes, equal results first or the row is void, first
 * steps left out, medians with quartiles, ratios of neighbours in time.
 */
import { runData } from './data/part.ts';
import { DATA_TEXT } from './data/report.ts';
import { runDecode } from './decode/part.ts';
import { DECODE_TEXT } from './decode/report.ts';
import { runLadder } from './ladder/part.ts';
import { LADDER_TEXT } from './ladder/report.ts';
import { describeMachine } from './machine.ts';
import { type BenchOptions, type PartName, readOptions } from './options.ts';
import { formatEntry, keepEntry, placeOf, type PartText, type Texts } from './results.ts';
import { runScale } from './scale/part.ts';
import { SCALE_TEXT } from './scale/report.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { runTraining } from './training/part.ts';
import { TRAINING_TEXT } from './training/report.ts';

/** Each part reads its own figures only. */
interface Part {
  readonly text: PartText<unknown>;
  run(
    surroundings: Surroundings,
    options: BenchOptions,
    publish: (key: string, figures: unknown) => Promise<void>,
  ): Promise<void>;
}

const PARTS: Readonly<Record<PartName, Part>> = {
  training: { text: TRAINING_TEXT, run: runTraining },
  data: { text: DATA_TEXT, run: runData },
  decode: { text: DECODE_TEXT, run: runDecode },
  ladder: { text: LADDER_TEXT, run: runLadder },
  scale: { text: SCALE_TEXT, run: runScale },
};

const TEXTS = Object.fromEntries(Object.entries(PARTS).map(([name, { text }]) => [name, text])) as unknown as Texts;

async function runPart(name: PartName, surroundings: Surroundings, options: BenchOptions): Promise<void> {
  const { text } = PARTS[name];
  await PARTS[name].run(surroundings, options, async (key, figures) => {
    const entry = { machine: describeMachine(options.threads, !options.busy, surroundings.card), figures };
    const place = placeOf(key, entry.machine);
    process.stdout.write(`${formatEntry(text, place, entry)}\n`);
    if (options.writes) await keepEntry(name, place, entry, TEXTS);
  });
}

const options = readOptions(process.argv.slice(2));
await withSurroundings(options, async (surroundings) => {
  for (const name of options.parts) await runPart(name, surroundings, options);
});
