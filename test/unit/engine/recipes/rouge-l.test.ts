/**
 * @file ROUGE-L against the figures of the Python package rouge_score (test/golden/make/rouge.py), to the last bits of a double.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rougeL } from '../../../../src-main/engine/recipes/rouge-l.ts';

const FIXTURE = new URL('../../../golden/fixtures/rouge.json', import.meta.url);
const ROWS = JSON.parse(readFileSync(FIXTURE, 'utf8')) as [wanted: string, written: string, score: number][];

test('200 pairs of texts score as in rouge_score', () => {
  expect(ROWS).toHaveLength(200);
  expect(new Set(ROWS.map(([, , score]) => score)).size).toBeGreaterThan(50);
  for (const [wanted, written, score] of ROWS) {
    expect(rougeL(wanted, written), `${wanted} / ${written}`).toBeCloseTo(score, 14);
  }
});
