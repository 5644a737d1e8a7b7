/** @file Numbers as people read them. */
import { describe, expect, it } from 'vitest';
import {
  countOf,
  formatAbout,
  formatBytes,
  formatCompact,
  formatDuration,
  formatFigure,
  formatPercent,
  formatScientific,
  formatShare,
} from '../../src-renderer/words/format.ts';

describe('formats', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [9_908_624, '9.91 MB'],
    [23_400_000, '23.4 MB'],
    [21_300_000_000, '21.3 GB'],
    [2_190_000_000, '2.19 GB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, '0%'],
    [0.00095, '0%'],
    [0.29, '29%'],
    [0.998, '99%'],
    [1, '100%'],
  ])('%d of the work are %s', (fraction, text) => expect(formatShare(fraction)).toBe(text));

  it.each([
    [0, '0'],
    [2e-4, '2e-4'],
    [7.1e-4, '7.1e-4'],
    [1e-5, '1e-5'],
    [0.01, '1e-2'],
  ])('a rate of %d is %s', (rate, text) => expect(formatScientific(rate)).toBe(text));

  it.each([
    [3_000, 'a few seconds'],
    [42_000, 'about 40 seconds'],
    [61_000, 'about 1 minute'],
    [8 * 60_000, 'about 8 minutes'],
    [90 * 60_000, 'about 1.5 hours'],
  ])('%d ms estimated are "%s"', (ms, text) => expect(formatAbout(ms)).toBe(text));

  it.each([
    [900, '1 s'],
    [60_000, '1 min'],
    [192_000, '3 min 12 s'],
    [2 * 3_600_000 + 5 * 60_000, '2 h 5 min'],
  ])('%d ms measured are %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('gives small shares and losses digits that say something', () => {
    expect(formatPercent(0.0041)).toBe('0.41%');
    expect(formatFigure(0.00351)).toBe('0.0035');
    expect(formatFigure(1.28)).toBe('1.280');
    expect(formatFigure(NaN)).toBe('–');
    expect(formatCompact(134_515_008)).toBe('135M');
    expect(countOf(1, 'row', 'rows')).toBe('1 row');
    expect(countOf(1234, 'row', 'rows')).toBe('1,234 rows');
  });
});
