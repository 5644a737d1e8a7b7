import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readWindowPlace, writeWindowPlace } from '../../../src-main/app/window-state.ts';

const SCREEN = { x: 0, y: 0, width: 1920, height: 1080 };
const PLACE = { x: 100, y: 50, width: 1000, height: 700, isMaximized: false };
let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-place-'));
  file = path.join(folder, 'window', 'place.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('comes back where it was', () => {
  expect(writeWindowPlace(file, PLACE)).toBe(true);
  expect(readWindowPlace(file, [SCREEN])).toEqual(PLACE);
});

it('keeps its size but not its place where the screen is gone', () => {
  writeWindowPlace(file, { ...PLACE, x: 2500 });
  expect(readWindowPlace(file, [SCREEN])).toEqual({ width: 1000, height: 700, isMaximized: false });
  expect(readWindowPlace(file, [SCREEN, { ...SCREEN, x: 1920 }])).toMatchObject({ x: 2500 });
  writeWindowPlace(file, { ...PLACE, y: -300 });
  expect(readWindowPlace(file, [SCREEN])).not.toHaveProperty('y');
});

it('is the usual one at the first start, and where the file is torn or foreign', () => {
  const usual = { width: 1280, height: 840, isMaximized: false };
  expect(readWindowPlace(file, [SCREEN])).toEqual(usual);
  writeWindowPlace(file, PLACE);
  for (const text of ['{"x": 1', '[]', '{"x": 0, "y": 0, "width": 1, "height": 1, "isMaximized": false}']) {
    writeFileSync(file, text);
    expect(readWindowPlace(file, [SCREEN])).toEqual(usual);
  }
});

it('does not bother anybody where it cannot be kept', () => {
  writeFileSync(path.join(folder, 'window'), 'a file where a folder should be');
  expect(writeWindowPlace(file, PLACE)).toBe(false);
});
