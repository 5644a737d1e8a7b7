/**
 * @file What was measured, kept: results.json holds the figures of each part and workload as they were last measured, and RESULTS.md
 * is written anew from all of them.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { REPO_ROOT } from '../../scripts/setup/paths.mjs';
import type { MachineFacts } from './machine.ts';
import { PART_NAMES, type PartName } from './options.ts';

/** The figures of one workload of a part. */
export interface Entry<Figures> {
  readonly machine: MachineFacts;
  readonly figures: Figures;
}

export interface PartText<Figures> {
  readonly title: string;
  /** How it was measured, in a few sentences. */
  readonly method: string;
  /** Markdown under a heading of its own, level 3. */
  formatFigures(figures: Figures): string;
}

type Kept = Partial<Record<PartName, Record<string, Entry<unknown>>>>;
export type Texts = Readonly<Record<PartName, PartText<unknown>>>;

const FOLDER = path.join(REPO_ROOT, 'test/bench');
const TITLE =
  '# Bench results\n\nWritten by `npm run bench` from results.json. How the parts are measured stands in test/bench, what was tried in LOG.md.\n';
const GIGA = 1e9;

/** Each machine has a place of its own for a workload: what it measures says nothing about another. */
export function placeOf(key: string, { cpu, card }: Pick<MachineFacts, 'cpu' | 'card'>): string {
  const device = card?.split(',')[0] ?? cpu.replaceAll(/\((?:R|TM)\)| Processor$/g, '');
  return `${key}, ${device}`;
}

/** Puts an entry in the place of the one before it and writes both files of the folder. */
export async function keepEntry(
  part: PartName,
  key: string,
  entry: Entry<unknown>,
  texts: Texts,
  folder = FOLDER,
): Promise<void> {
  const file = path.join(folder, 'results.json');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : {};
  const next: Kept = { ...kept, [part]: { ...kept[part], [key]: entry } };
  writeFileSync(file, await format(JSON.stringify(next), { parser: 'json', printWidth: 120 }));
  const sections = PART_NAMES.flatMap((name) => (next[name] ? [formatPart(texts[name], next[name])] : []));
  const text = await format([TITLE, ...sections].join('\n'), { parser: 'markdown', printWidth: 120 });
  writeFileSync(path.join(folder, 'RESULTS.md'), text);
}

function formatPart(text: PartText<unknown>, entries: Readonly<Record<string, Entry<unknown>>>): string {
  const parts = Object.entries(entries).map(([key, entry]) => formatEntry(text, key, entry));
  return [`## ${text.title}`, '', text.method, '', ...parts].join('\n');
}

/** One workload with the machine it belongs to. */
export function formatEntry<Figures>(
  text: PartText<Figures>,
  key: string,
  { machine, figures }: Entry<Figures>,
): string {
  const place =
    `${machine.date.slice(0, 10)}, commit ${machine.commit}: ${machine.cpu}, ${machine.threads} of ${machine.cores} cores ` +
    `(${machine.flags.join(' ')}), ${(machine.memoryBytes / GIGA).toFixed(0)} GB, Linux ${machine.kernel}, Node ${machine.node}` +
    (machine.card === undefined ? '.' : `; both sides on the graphics card: ${machine.card}.`);
  const warning = machine.quiet ? '' : ' **Other work ran on the machine: these figures are no result.**';
  return [`### ${key}`, '', place + warning, '', text.formatFigures(figures), ''].join('\n');
}
