import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectData } from '../../../../src-main/engine/data/inspect.ts';
import { loadTokenizer, type Tokenizer } from '../../../../src-main/engine/tokenizer/tokenizer.ts';
import { writeTokenizerFolder } from '../tokenizer/fixtures.ts';
import type { DataFault } from '../../../../src-main/engine/data/types.ts';
import type { BrokenFile } from './broken-file.ts';
import { BROKEN_FILES, LARGE_FILES } from './broken-files.ts';
import { makeWorkplace, type Workplace } from './files.ts';

let place: Workplace;
let tokenizer: Tokenizer;
beforeAll(async () => {
  place = await makeWorkplace();
  tokenizer = await loadTokenizer(await writeTokenizerFolder(place.dir));
});
afterAll(() => place.remove());

const write = ({ name, content }: BrokenFile): Promise<string> =>
  place.write(name, typeof content === 'function' ? content() : content);

it('there are at least sixty, of every type and format', () => {
  expect(BROKEN_FILES.length).toBeGreaterThanOrEqual(60);
  const endings = new Set(BROKEN_FILES.map(({ name }) => path.extname(name)));
  for (const ending of ['.jsonl', '.json', '.csv', '.tsv', '.txt', '.parquet', '.xlsx'])
    expect(endings).toContain(ending);
});

function expectFault(faults: readonly DataFault[], broken: BrokenFile, file: string): void {
  const fault = faults.find(({ code }) => code === broken.code);
  expect(fault ?? faults).toMatchObject({
    code: broken.code,
    file,
    line: broken.line,
    message: expect.stringContaining(broken.says),
    ...(broken.field === undefined ? {} : { field: broken.field }),
  });
  expect(fault!.message.length).toBeLessThan(500);
}

describe('each broken file is answered with file, row and reason', () => {
  it.each(BROKEN_FILES.filter((broken) => !LARGE_FILES.includes(broken)))('$name: $code', async (broken) => {
    const file = await write(broken);
    const { faults } = await inspectData({ train: [file], tokenizer, ...broken.options });
    expectFault(faults, broken, file);
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

describe('large broken files are refused in little memory', () => {
  const script = `
    import { inspectData } from ${JSON.stringify(path.resolve('src-main/engine/data/inspect.ts'))};
    import { loadTokenizer } from ${JSON.stringify(path.resolve('src-main/engine/tokenizer/tokenizer.ts'))};
    const tokenizer = await loadTokenizer(process.argv[1]);
    const { faults } = await inspectData({ train: [process.argv[2]], tokenizer });
    console.log(JSON.stringify({ faults, megabytes: process.resourceUsage().maxRSS / 1024 }));`;

  it.each(LARGE_FILES)('$name: $code', async (broken) => {
    const file = await write(broken);
    const args = ['--max-old-space-size=256', '--input-type=module', '--eval', script, place.dir, file];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { faults, megabytes } = JSON.parse(stdout);
    expectFault(faults, broken, file);
    expect(megabytes).toBeLessThan(500);
  });
});
