/**
 * @file The README's table of model families, written from what the interop run measured; families that were not run keep their lines.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { format } from 'prettier';
import { REPO_ROOT } from './cli.ts';
import type { FamilyCase } from './family-case.ts';
import { FAMILY_CASES } from './family-cases.ts';

/** Largest differences over one model. */
export interface FamilyFigures {
  logits: number;
  loss: number;
  merged: number;
  /** Greedy tokens that are equal one by one. */
  tokens: number;
}

const README = path.join(REPO_ROOT, 'README.md');
const BEGIN = '<!-- families:begin -->';
const END = '<!-- families:end -->';

/** Puts the table between its marks. @throws where the README has no marks, or a figure was not measured */
export async function writeFamilyTable(
  cases: readonly FamilyCase[],
  figures: readonly FamilyFigures[],
  targets: Readonly<Record<string, readonly string[] | null>>,
): Promise<void> {
  const readme = await readFile(README, 'utf8');
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md needs ${BEGIN} and ${END}`);
  const known = new Map(rest!.split('\n').map((line) => [/^\| `(\w+)`/.exec(line)?.[1], line]));
  const measured = new Set(cases.map(({ type }) => type));
  const lines = [...new Set(FAMILY_CASES.map(({ type }) => type))].flatMap((type) => {
    if (!measured.has(type)) return known.get(type) ?? [];
    const own = figures.filter((_, index) => cases[index]!.type === type);
    const worst = (name: keyof FamilyFigures): string => bound(Math.max(...own.map((one) => one[name])));
    const tokens = own.reduce((sum, one) => sum + one.tokens, 0);
    const names = targets[type]?.map((name) => `\`${name}\``).join(', ') ?? 'none';
    return `| \`${type}\` | ${own.length} | ${worst('logits')} | ${worst('loss')} | ${worst('merged')} | ${tokens} | ${names} |`;
  });
  const table = [
    '| model_type | models | logits | loss, 5 LoRA steps | merged model | equal tokens | PEFT adapts by default |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
  const text = await format(`${before}${BEGIN}\n\n${table}\n\n${END}${after}`, { parser: 'markdown', printWidth: 120 });
  if (text !== readme) await writeFile(README, text);
}

/** The next power of ten above, so that another machine writes the same. */
function bound(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`a figure is ${value}: not every check of a family has run`);
  return value === 0 ? '0' : `< 1e${Math.floor(Math.log10(value)) + 1}`;
}
