/**
 * @file A program of the tests: looks through files one after the other, each alone, and says what was found and what it cost.
 * Arguments: a folder with a tokenizer, a JSON file with a list of `FileToInspect`. Prints a list of `FileAnswer`.
 */
import { readFileSync } from 'node:fs';
import { inspectData, type InspectDataOptions } from '../../../../src-main/engine/data/inspect.ts';
import type { DataFault } from '../../../../src-main/engine/data/types.ts';
import { loadTokenizer } from '../../../../src-main/engine/tokenizer/tokenizer.ts';

export interface FileToInspect {
  readonly file: string;
  readonly options: Partial<InspectDataOptions>;
}

export interface FileAnswer {
  readonly faults: readonly DataFault[];
  /** Processor time of all threads. */
  readonly seconds: number;
  /** Largest resident set of the process up to here. */
  readonly megabytes: number;
}

async function inspect({ file, options }: FileToInspect): Promise<FileAnswer> {
  const before = process.cpuUsage();
  const { faults } = await inspectData({ train: [file], tokenizer, ...options });
  const { user, system } = process.cpuUsage(before);
  return { faults, seconds: (user + system) / 1e6, megabytes: process.resourceUsage().maxRSS / 1024 };
}

const [tokenizerDir, list] = process.argv.slice(2) as [string, string];
const tokenizer = await loadTokenizer(tokenizerDir);
const answers: FileAnswer[] = [];
for (const file of JSON.parse(readFileSync(list, 'utf8')) as FileToInspect[]) answers.push(await inspect(file));
process.stdout.write(JSON.stringify(answers));
