/**
 * @file The README's table of model families, written from what the interop runs measured; families that were not run keep their lines.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { CLASSIFIER_CASES } from './classifier-cases.ts';
import { REPO_ROOT } from './cli.ts';
import { FAMILY_CASES } from './family-cases.ts';

/** Largest differences over one model, and how its runs of other kinds went. */
export interface FamilyFigures {
  logits: number;
  loss: number;
  merged: number;
  /** Greedy tokens that are equal one by one; null where a family writes none. */
  tokens: number | null;
  /** What a run of LoRA over NF4 leaves of the loss that it began with. */
  nf4: number;
  /** Logits of a trained Quasi-LoRA adapter here and of its export in PEFT. */
  quasi: number;
}

/** The models of one model_type. */
export interface FamilyRow {
  readonly type: string;
  readonly figures: readonly FamilyFigures[];
  /** What PEFT adapts where nothing is said; null = it knows no default. */
  readonly targets: readonly string[] | null;
}

/** A run that leaves more of the loss has not learned. */
export const MOST_LEFT = 0.9;

const README = path.join(REPO_ROOT, 'README.md');
const BEGIN = '<!-- families:begin -->';
const END = '<!-- families:end -->';
const NOT_APPLICABLE = 'not applicable';
const HEAD = [
  'model_type',
  'models',
  'logits',
  'loss, 5 LoRA steps',
  'merged model',
  'equal tokens',
  'run over NF4',
  'Quasi-LoRA',
  'PEFT adapts by default',
];

/** No figure was measured yet. */
export const noFigures = (): FamilyFigures => ({
  ...{ logits: NaN, loss: NaN, merged: NaN },
  ...{ tokens: NaN, nf4: NaN, quasi: NaN },
});

/** Puts the rows into the table. @throws where the README has no marks, or a figure was not measured */
export async function writeFamilyTable(rows: readonly FamilyRow[]): Promise<void> {
  const measured = new Map(rows.map((row) => [row.type, lineOf(row)]));
  // Two suites write here, maybe at once: whoever finds the file changed begins anew.
  for (;;) {
    const readme = readFileSync(README, 'utf8');
    const text = await format(withLines(readme, measured), { parser: 'markdown', printWidth: 120 });
    if (readFileSync(README, 'utf8') !== readme) continue;
    if (text !== readme) writeFileSync(README, text);
    return;
  }
}

function withLines(readme: string, measured: ReadonlyMap<string, string>): string {
  const [before, rest] = readme.split(BEGIN);
  const [table, after] = rest?.split(END) ?? [];
  if (before === undefined || table === undefined || after === undefined) {
    throw new Error(`README.md needs ${BEGIN} and ${END}`);
  }
  const known = new Map(table.split('\n').map((line) => [/^\| `(\w+)`/.exec(line)?.[1], line]));
  const types = [...new Set([...FAMILY_CASES, ...CLASSIFIER_CASES].map(({ type }) => type))];
  const lines = types.flatMap((type) => measured.get(type) ?? known.get(type) ?? []);
  const head = [toLine(HEAD), toLine(HEAD.map(() => '---'))];
  return `${before}${BEGIN}\n\n${[...head, ...lines].join('\n')}\n\n${END}${after}`;
}

function lineOf({ type, figures, targets }: FamilyRow): string {
  const worst = (name: 'logits' | 'loss' | 'merged' | 'quasi'): string =>
    bound(Math.max(...figures.map((one) => one[name])));
  const writes = figures.some(({ tokens }) => tokens !== null);
  const tokens = requireMeasured(figures.reduce((sum, one) => sum + (one.tokens ?? 0), 0));
  const left = requireMeasured(Math.max(...figures.map(({ nf4 }) => nf4)));
  return toLine([
    `\`${type}\``,
    String(figures.length),
    ...(['logits', 'loss', 'merged'] as const).map(worst),
    writes ? String(tokens) : NOT_APPLICABLE,
    left <= MOST_LEFT ? 'learns' : 'does not learn',
    worst('quasi'),
    targets?.map((name) => `\`${name}\``).join(', ') ?? 'none',
  ]);
}

const toLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function requireMeasured(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new Error(`a figure is ${value}: not every check of a family has run`);
}

/** The next power of ten above, so that another machine writes the same. */
function bound(value: number): string {
  return requireMeasured(value) === 0 ? '0' : `< 1e${Math.floor(Math.log10(value)) + 1}`;
}
