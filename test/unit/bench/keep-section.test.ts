import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { keepSection } from '../../bench/keep-section.ts';

it('replaces its own section and leaves the others', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-sections-'));
  const file = path.join(folder, 'RESULTS.md');
  try {
    keepSection(file, '## One', ['first']);
    keepSection(file, '## Two', ['second', '### Below', 'more']);
    keepSection(file, '## Three', ['third']);
    keepSection(file, '## Two', ['changed']);
    keepSection(file, '## One', ['new']);
    expect(readFileSync(file, 'utf8')).toBe('## One\n\nnew\n\n## Two\n\nchanged\n\n## Three\n\nthird\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
