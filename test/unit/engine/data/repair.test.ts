import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeaveOut } from '../../../../src-shared/domain/data-report.ts';
import { inspectData } from '../../../../src-main/engine/data/inspect.ts';
import { repairData } from '../../../../src-main/engine/data/repair.ts';
import { makeWorkplace, type Workplace } from './files.ts';

let place: Workplace;
beforeEach(async () => {
  place = await makeWorkplace();
});
afterEach(() => place.remove());

const ALL: LeaveOut[] = ['bad', 'duplicates', 'overlap'];

async function repair(train: string[], evaluation: string[] = [], leaveOut = ALL) {
  const repaired = await repairData({
    train,
    eval: evaluation,
    format: 'auto',
    columns: {},
    taskType: null,
    leaveOut,
    async write(file, lines) {
      const copy = path.join(place.dir, `${path.parse(file).name}.repaired.jsonl`);
      let text = '';
      for await (const line of lines) text += line;
      writeFileSync(copy, text);
      return copy;
    },
  });
  return repaired.map((file) => ({ ...file, rows: readFileSync(file.to, 'utf8').trim().split('\n') }));
}

describe('a repaired copy', () => {
  it('of a JSON array on one line is without its bad rows alone', async () => {
    const file = await place.write('rows.json', '[{"text":"a"},{"text":""},{"text":"b"},{"text":"a"},{"text":"c"}]');
    const [copy] = await repair([file]);
    expect(copy).toMatchObject({ kept: 3, left_out: { bad: 1, duplicates: 1 } });
    expect(copy?.rows.map((row) => JSON.parse(row))).toEqual([{ text: 'a' }, { text: 'b' }, { text: 'c' }]);
  });

  it('of a broken CSV is without its bad rows and reads cleanly; the file stays as it was', async () => {
    const broken = 'prompt,completion\nWhat is one?,1\nWhat is two?\nWhat is three?,\nWhat is four?,4\n';
    const file = await place.write('rows.csv', broken);
    expect((await inspectData({ train: [file] })).bad_rows).toBe(2);
    const [copy] = await repair([file]);
    expect(copy).toMatchObject({ from: file, role: 'train', kept: 2, left_out: { bad: 2, duplicates: 0, overlap: 0 } });
    expect(copy?.rows.map((row) => JSON.parse(row))).toEqual([
      { prompt: 'What is one?', completion: '1' },
      { prompt: 'What is four?', completion: '4' },
    ]);
    expect(readFileSync(file, 'utf8')).toBe(broken);
    const report = await inspectData({ train: [copy?.to ?? ''] });
    expect(report).toMatchObject({ rows: 2, bad_rows: 0, fault_count: 0, files: [{ format: 'prompt_completion' }] });
  });

  it('keeps the first of rows that repeat, and no evaluation row that is trained', async () => {
    const line = (text: string) => `${JSON.stringify({ text, source: 'kept too' })}\n`;
    const train = await place.write('train.jsonl', line('a') + line('b') + line('a') + line('c'));
    const evaluation = await place.write('eval.jsonl', line('b') + line('d') + line('d'));
    const [first, second] = await repair([train], [evaluation]);
    expect(first?.rows).toEqual([line('a'), line('b'), line('c')].map((text) => text.trim()));
    expect(first?.left_out).toEqual({ bad: 0, duplicates: 1, overlap: 0 });
    expect(second?.rows).toEqual([line('d').trim()]);
    expect(second?.left_out).toEqual({ bad: 0, duplicates: 1, overlap: 1 });
  });

  it('is not made where nothing has to be left out', async () => {
    const file = await place.write('rows.jsonl', '{"text": "a"}\n{"text": "b"}\n');
    expect(await repair([file])).toMatchObject([{ from: file, to: file, kept: 2 }]);
  });

  it('leaves out only what was asked for', async () => {
    const file = await place.write('rows.jsonl', '{"text": "a"}\n{"text": "a"}\n{"text": ""}\n');
    expect((await repair([file], [], ['bad']))[0]?.left_out).toEqual({ bad: 1, duplicates: 0, overlap: 0 });
    await expect(repair([file], [], ['duplicates'])).rejects.toMatchObject({ code: 'data/not-repairable' });
  });

  it('is refused where nothing would be left, or nothing can be read', async () => {
    const empty = await place.write('empty.csv', 'prompt,completion\nWhat?,\n');
    await expect(repair([empty])).rejects.toMatchObject({ code: 'data/nothing-left' });
    await expect(repair([path.join(place.dir, 'none.jsonl')])).rejects.toMatchObject({ code: 'data/not-repairable' });
  });
});
