/** @file Places as addresses. */
import { describe, expect, it } from 'vitest';
import { fromHash, type Route, toHash } from '../../src-renderer/state/route.ts';

const ROUTES: readonly Route[] = [
  { view: 'runs' },
  { view: 'run', run: '20260301-ab12' },
  { view: 'compare', runs: ['a', 'b', 'c'] },
  { view: 'new', draft: null, step: null },
  { view: 'new', draft: 'draft-1', step: 'precision' },
  { view: 'playground', run: 'run 1', checkpoint: 300 },
  { view: 'playground', run: null, checkpoint: null },
  { view: 'models' },
  { view: 'data' },
  { view: 'queue' },
  { view: 'settings' },
];

describe('routes', () => {
  it.each(ROUTES)('come back from their address: $view', (route) => {
    expect(fromHash(toHash(route))).toEqual(route);
  });

  it.each(['', '#', '#/', '#/nowhere', '#token=abc', '#/runs/'])('lead home from %j', (hash) => {
    expect(fromHash(hash)).toEqual({ view: 'runs' });
  });

  it('survive what is no address', () => {
    expect(fromHash('#/runs/%E0%A4%A')).toEqual({ view: 'run', run: '%E0%A4%A' });
    expect(fromHash('#/new/d/nonsense')).toEqual({ view: 'new', draft: 'd', step: null });
  });
});
