/** @file Copies in UTF-8: the same text, whatever encoding it came in; the file itself stays. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { convertToUtf8 } from '../../../src-main/services/convert-encoding.ts';

const TEXT = 'question,answer\n"Où est le café ?","à gauche, 2 €"\n'.repeat(5000);
let folder = '';
const place = (name: string) => path.join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-encoding-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(bytes).swap16();
}

it.each([
  ['windows-1252', Buffer.from(TEXT.replaceAll('€', '\x80'), 'latin1')],
  ['utf-16le', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(TEXT, 'utf16le')])],
  ['utf-16be', swapped(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(TEXT, 'utf16le')]))],
  ['utf-16le', Buffer.from(TEXT, 'utf16le')],
  ['utf-16be', swapped(Buffer.from(TEXT, 'utf16le'))],
])('converts %s', async (encoding, bytes) => {
  writeFileSync(place('rows.csv'), bytes);
  const fractions: number[] = [];
  const converted = await convertToUtf8(place('rows.csv'), place('copies'), {
    onProgress: (fraction) => fractions.push(fraction),
  });
  expect(converted).toEqual({ from: place('rows.csv'), to: place('copies/rows.csv'), encoding });
  expect(readFileSync(converted.to, 'utf8')).toBe(TEXT);
  expect(fractions.at(-1)).toBe(1);
  expect(readFileSync(place('rows.csv')).equals(bytes)).toBe(true);
});

it.each([
  // "rice, tea" and "question, answer" in their own scripts, as iconv writes them.
  [
    'shift_jis',
    '\x8e\xbf\x96\xe2\x82\xcd\x82\xb1\x82\xea\x82\xc5\x82\xb7\x82\xa9,\x82\xcd\x82\xa2\x82\xbb\x82\xa4\x82\xc5\x82\xb7\n',
    '質問はこれですか,はいそうです\n',
  ],
  ['windows-1251', '\xe2\xee\xef\xf0\xee\xf1,\xee\xf2\xe2\xe5\xf2\n', 'вопрос,ответ\n'],
])('finds out that it is %s', async (encoding, bytes, text) => {
  writeFileSync(place('rows.csv'), bytes.repeat(200), 'latin1');
  const converted = await convertToUtf8(place('rows.csv'), place('copies'));
  expect(converted.encoding).toBe(encoding);
  expect(readFileSync(converted.to, 'utf8')).toBe(text.repeat(200));
});

it('refuses UTF-32, names a file that is not there, and leaves nothing behind when it is ended', async () => {
  writeFileSync(place('wide.csv'), Buffer.from([0xff, 0xfe, 0, 0, 65, 0, 0, 0]));
  await expect(convertToUtf8(place('wide.csv'), place('copies'))).rejects.toMatchObject({ code: 'data/encoding' });
  await expect(convertToUtf8(place('none.csv'), place('copies'))).rejects.toThrow('none.csv');
  writeFileSync(place('rows.csv'), TEXT, 'latin1');
  const ending = new AbortController();
  ending.abort();
  await expect(convertToUtf8(place('rows.csv'), place('copies'), { signal: ending.signal })).rejects.toThrow();
  expect(existsSync(place('copies')) ? readdirSync(place('copies')) : []).toEqual([]);
});
