/**
 * @file What a person should know though nothing failed: each notice has a code, the facts that belong to it, and a sentence for the
 * terminal and the run's own files. Windows make their own sentence of code and facts, so that all words on a screen are in one catalogue.
 */

/** Names of which only the first are told. */
export interface FewNames {
  readonly names: readonly string[];
  /** How many there are beside them. */
  readonly more: number;
}

/** The facts of each notice. A code without a sentence in the windows' catalogue does not compile. */
export interface NoticeFacts {
  'checkpoint/damaged': { readonly dir: string };
  'checkpoint/none': NoFacts;
  'data/delimiter': { readonly delimiter: string };
  'data/first-sheet': { readonly sheets: number };
  'data/json-lines': NoFacts;
  'data/json-list': { readonly list: string };
  'data/labels-are-ids': FewNames;
  'data/many-numbers': { readonly count: number };
  'data/no-evaluation': NoFacts;
  'data/no-stop-token': NoFacts;
  'data/other-classes': { readonly model: FewNames; readonly rows: FewNames };
  'data/rare-classes': FewNames & { readonly all: number };
  'data/rows-left-out': { readonly rows: number };
  'data/similar-classes': FewNames;
  'data/stop-token-added': { readonly template: string };
  'data/turn-end-is-no-stop-token': { readonly template: string; readonly token: string };
  'data/untrained-classes': FewNames;
  'demo/short': NoFacts;
  'device/waiting': { readonly process: number };
  'engine/changed': { readonly engine: string };
  'engine/eager': { readonly reason: string };
  'memory/tight': MemoryFacts;
  /** stored: classes that the model's head was made for, null = it had none; classes: null = a number is foretold. */
  'model/fresh-head': { readonly stored: number | null; readonly classes: number | null };
  'run/behind': { readonly name: string; readonly reason: string };
  'run/interrupted': { readonly name: string; readonly step: number };
  'run/set-aside': { readonly step: number; readonly dir: string };
  'run/stays-paused': { readonly name: string };
  'store/copy-failed': { readonly reason: string };
  /** copy: its date, null = there was none; aside: where the damaged file is. */
  'store/mended': { readonly copy: string | null; readonly aside: string };
  'train/epoch-changed': { readonly before: number; readonly now: number };
  /** course: of the learning rate: endless = as before; begun = a new one; ends = at the new last step. */
  'train/plan-changed': {
    readonly before: number;
    readonly now: number;
    readonly course: 'endless' | 'begun' | 'ends';
    readonly step: number;
  };
  'train/step-skipped': { readonly step: number };
}

type NoFacts = Readonly<Record<string, never>>;

interface MemoryFacts {
  readonly peak_bytes: number;
  readonly available_bytes: number;
  /** wasm: what that engine can address. */
  readonly limit: 'wasm' | 'machine';
  /** With the settings that would make it fit; null = none would. */
  readonly fit_bytes: number | null;
  /** As `--set` takes them, '' without any. */
  readonly fit_settings: string;
}

export type NoticeCode = keyof NoticeFacts;

/** As it is stored and sent; read back it may be of another release. */
export type Values = object;

export interface Told<Code extends NoticeCode = NoticeCode> {
  readonly code: Code;
  /** For who has no catalogue. */
  readonly message: string;
  readonly values: NoticeFacts[Code];
}

/** @param message the sentence in English, without what only a terminal needs */
export function makeNotice<Code extends NoticeCode>(
  code: Code,
  values: NoticeFacts[Code],
  message: string,
): Told<Code> {
  return { code, message, values };
}

const MOST_NAMES = 5;

export function fewNames(names: readonly string[], most = MOST_NAMES): FewNames {
  return { names: names.slice(0, most), more: Math.max(0, names.length - most) };
}
