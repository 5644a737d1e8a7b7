/**
 * @file What looking through data files finds: shown by `data inspect`, by the wizard's data step and kept with a run.
 */
import type { Fault } from './app-error.ts';
import type { Values } from './notices.ts';

/** A fault of one row or file. */
export interface DataFault extends Fault {
  readonly code: string;
}

/** Something worth knowing that is no fault: what was assumed, left out or cut. */
export interface DataNotice {
  readonly code: string;
  /** null = all files. */
  readonly file: string | null;
  readonly message: string;
  readonly values?: Values;
}

export interface DataFileReport {
  readonly path: string;
  readonly role: 'train' | 'eval';
  /** null where the file could not be read at all. */
  readonly type: string | null;
  readonly encoding: string | null;
  readonly size_bytes: number | null;
  /** Rows that can be used. */
  readonly rows: number;
  /** Rows that cannot. */
  readonly bad_rows: number;
  readonly columns: readonly string[];
  /** Data format, null where none fits. */
  readonly format: string | null;
  /** Our field name -> the file's column name, where they differ. */
  readonly column_mapping: Readonly<Record<string, string>>;
  /** Why this format, in words. */
  readonly reason: string;
  /** What else was looked at, in words. */
  readonly considered: readonly string[];
}

/** One row as an example of a finding. */
export interface FindingExample {
  readonly file: string;
  readonly line: number;
  /** A short piece of the row's text, or what is wrong with it. */
  readonly text: string;
  /** The row that it repeats, where the finding is about repetition. */
  readonly same_as?: { readonly file: string; readonly line: number };
}

/** How often something was found, with a few examples. */
export interface Finding {
  readonly count: number;
  readonly examples: readonly FindingExample[];
}

/** Tokens of all usable rows, before truncation unless said otherwise. */
export interface TokenReport {
  /** Of encoder-decoders those of source and answer together. */
  readonly total: number;
  /** Tokens with a label, after truncation. */
  readonly supervised: number;
  /** Whose lengths `longest`, `mean` and `histogram` are: what max_length cuts, in encoder-decoders source and answer each by itself. */
  readonly length_of: 'row' | 'longer_part';
  readonly longest: number;
  readonly mean: number;
  /** Rows with `from` <= length < `to`; `to` null = no limit. */
  readonly histogram: readonly { readonly from: number; readonly to: number | null; readonly rows: number }[];
  /** Rows whose last trained token is one that stops generation. */
  readonly rows_with_stop_token: number;
}

/** A piece of a rendered example. */
export interface SampleSpan {
  readonly text: string;
  readonly trained: boolean;
}

/** One example as the model will see it. */
export interface RenderedSample {
  readonly file: string;
  readonly line: number;
  readonly spans: readonly SampleSpan[];
  /** null without a tokenizer. */
  readonly tokens: number | null;
  readonly supervised: number | null;
}

export interface DataReport {
  readonly files: readonly DataFileReport[];
  /** Usable rows of all files. */
  readonly rows: number;
  readonly bad_rows: number;
  /** The first faults; `fault_count` says how many there are. */
  readonly faults: readonly DataFault[];
  readonly fault_count: number;
  /** Fault code -> how often. */
  readonly fault_counts: Readonly<Record<string, number>>;
  readonly notices: readonly DataNotice[];
  /** Usable rows that repeat an earlier row of the same role. */
  readonly duplicates: Finding;
  /** Evaluation rows that are training rows too. */
  readonly overlap: Finding;
  /** Bad rows: a field or message without content. */
  readonly empty: Finding;
  /** Bad rows: messages in an impossible order, or without an answer. */
  readonly role_order: Finding;
  /** Rows longer than max_length (needs a tokenizer). */
  readonly truncated: Finding;
  /** Rows that truncation leaves without anything to train. */
  readonly labels_cut_off: Finding;
  /** Classes with their rows, most frequent first; null where rows have none. */
  readonly labels: readonly { readonly name: string; readonly rows: number }[] | null;
  /** null without a tokenizer. */
  readonly tokens: TokenReport | null;
  readonly samples: readonly RenderedSample[];
}

/** What a repaired copy of data files can be without. */
export const LEAVE_OUT = ['bad', 'duplicates', 'overlap'] as const;
export type LeaveOut = (typeof LEAVE_OUT)[number];
/** Rows that were left out, by reason. */
export type LeftOutCounts = Readonly<Record<LeaveOut, number>>;

/** Encodings that are converted to UTF-8, as the encoding standard labels them. */
export type TextEncodingLabel =
  'windows-1252' | 'windows-1251' | 'shift_jis' | 'gb18030' | 'euc-kr' | 'utf-16le' | 'utf-16be';

/** A copy in UTF-8; the file itself was not touched. */
export interface ConvertedFile {
  readonly from: string;
  readonly to: string;
  /** What it was read as. */
  readonly encoding: TextEncodingLabel;
}

/** One file after the repair; it itself was not touched. */
export interface RepairedFile {
  /** As it was given. */
  readonly from: string;
  /** The copy, JSON lines with the same columns; `from` where nothing had to be left out. */
  readonly to: string;
  readonly role: 'train' | 'eval';
  readonly kept: number;
  readonly left_out: LeftOutCounts;
}
