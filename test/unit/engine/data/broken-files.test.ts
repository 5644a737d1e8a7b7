import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectData } from '../../../../src-main/engine/data/inspect.ts';
import { writeTokenizerFolder } from '../tokenizer/fixtures.ts';
import type { BrokenFile } from './broken-file.ts';
import { BROKEN_FILES, LARGE_FILES } from './broken-files.ts';
import { makeWorkplace, type Workplace } from './files.ts';
import type { FileAnswer, FileToInspect } from './inspect-files.ts';

/** What an answer may take. Seconds are processor time, which other programs on the machine stretch far less than a clock's. */
const LIMITS = { seconds: 5, megabytes: 500 };
const SMALL_FILES = BROKEN_FILES.filter((broken) => !LARGE_FILES.includes(broken));

let place: Workplace;
let tokenizerDir: string;
beforeAll(async () => {
  place = await makeWorkplace();
  tokenizerDir = await writeTokenizerFolder(place.dir);
});
afterAll(() => place.remove());

it('there are at least sixty, of every type and format', () => {
  expect(BROKEN_FILES.length).toBeGreaterThanOrEqual(60);
  expect(new Set(BROKEN_FILES.map(({ name }) => name)).size).toBe(BROKEN_FILES.length);
  const endings = new Set(BROKEN_FILES.map(({ name }) => path.extname(name)));
  for (const ending of ['.jsonl', '.json', '.csv', '.tsv', '.txt', '.parquet', '.xlsx', '.gz'])
    expect(endings).toContain(ending);
});

const pathOf = ({ name }: BrokenFile): string => path.join(place.dir, name);

/** Looks through files in a process of their own, as the program does. */
async function inspectFiles(files: readonly BrokenFile[]): Promise<Map<BrokenFile, FileAnswer>> {
  for (const { name, content } of files) await place.write(name, typeof content === 'function' ? content() : content);
  const asked = files.map((broken): FileToInspect => ({ file: pathOf(broken), options: broken.options ?? {} }));
  const list = await place.write('asked.list', JSON.stringify(asked));
  const program = path.resolve('test/unit/engine/data/inspect-files.ts');
  const args = ['--max-old-space-size=256', program, tokenizerDir, list];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  const answers = JSON.parse(stdout) as FileAnswer[];
  return new Map(files.map((broken, index) => [broken, answers[index]!]));
}

function expectAnswer(broken: BrokenFile, { faults, seconds, megabytes }: FileAnswer): void {
  const fault = faults.find(({ code }) => code === broken.code);
  expect(fault ?? faults).toMatchObject({
    code: broken.code,
    file: pathOf(broken),
    line: broken.line,
    message: expect.stringContaining(broken.says),
    ...(broken.field === undefined ? {} : { field: broken.field }),
  });
  expect(fault!.message.length).toBeLessThan(500);
  expect(seconds).toBeLessThan(LIMITS.seconds);
  expect(megabytes).toBeLessThan(LIMITS.megabytes);
}

describe('each broken file is answered with file, row and reason, in little memory and time', () => {
  let answers: ReadonlyMap<BrokenFile, FileAnswer>;
  beforeAll(async () => {
    answers = await inspectFiles(SMALL_FILES);
  });
  it.each(SMALL_FILES)('$name: $code', (broken) => expectAnswer(broken, answers.get(broken)!));
});

describe('large broken files are refused in little memory and time', () => {
  it.each(LARGE_FILES)('$name: $code', async (broken) => {
    const answers = await inspectFiles([broken]);
    await rm(pathOf(broken));
    expectAnswer(broken, answers.get(broken)!);
  });
});

it('a missing file, a folder and a device are named', async () => {
  await mkdir(path.join(place.dir, 'folder'), { recursive: true });
  await place.write('folder/rows.csv', 'a,b\n');
  const paths = ['nowhere.jsonl', 'folder'].map((name) => path.join(place.dir, name));
  const { faults } = await inspectData({ train: [...paths, '/dev/null'] });
  expect(faults).toMatchObject([
    { code: 'data/missing-file', file: paths[0] },
    { code: 'data/is-folder', file: paths[1], hint: expect.stringContaining('rows.csv') },
    { code: 'data/not-a-file', file: '/dev/null' },
  ]);
});
