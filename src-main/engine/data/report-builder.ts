/**
 * @file Adds up what data files hold while they stream by, in memory that does not grow with the rows (but for a few bytes of
 * digest each).
 */
import type {
  DataFileReport,
  DataReport,
  Finding,
  FindingExample,
  RenderedSample,
  TokenReport,
} from '../../../src-shared/domain/data-report.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { createDigestTable, type DigestTable } from './digest-table.ts';
import { exampleText, type Example } from './example.ts';
import { excerpt, FaultList, NoticeList } from './faults.ts';
import type { FoundFile } from './read-examples.ts';
import { IGNORED_LABEL, type DataFault, type RowSource, type TokenizeResult } from './types.ts';

export type FileRole = 'train' | 'eval';

const MAX_EXAMPLES = 5;
const MAX_SAMPLES = 3;
const MAX_LABEL_NAMES = 1000;
const EMPTY_CODES = new Set(['data/empty-field', 'data/empty-message']);
const ORDER_CODES = new Set(['data/role-order', 'data/no-assistant']);
const HISTOGRAM_EDGES = [0, 16, 32, 64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 32768];

/** Counts, and keeps the first few. */
class FindingCounter {
  #count = 0;
  readonly #examples: FindingExample[] = [];

  add(example: FindingExample): void {
    this.#count++;
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(example);
  }

  toFinding(): Finding {
    return { count: this.#count, examples: this.#examples };
  }
}

type OpenFile = { -readonly [Key in keyof DataFileReport]: DataFileReport[Key] };

export class ReportBuilder {
  readonly faults = new FaultList();
  readonly notices = new NoticeList();
  readonly #files: OpenFile[] = [];
  readonly #seen: Readonly<Record<FileRole, DigestTable>> = { train: createDigestTable(), eval: createDigestTable() };
  readonly #duplicates = new FindingCounter();
  readonly #overlap = new FindingCounter();
  readonly #empty = new FindingCounter();
  readonly #roleOrder = new FindingCounter();
  readonly #truncated = new FindingCounter();
  readonly #cutOff = new FindingCounter();
  readonly #labels = new Map<string, number>();
  readonly #samples: RenderedSample[] = [];
  readonly #histogram = new Array<number>(HISTOGRAM_EDGES.length).fill(0);
  readonly #tokens = { rows: 0, total: 0, supervised: 0, lengths: 0, longest: 0, stopped: 0, inParts: false };

  openFile(path: string, role: FileRole): void {
    this.#files.push({
      path,
      role,
      type: null,
      encoding: null,
      size_bytes: null,
      rows: 0,
      bad_rows: 0,
      columns: [],
      format: null,
      column_mapping: {},
      reason: '',
      considered: [],
    });
  }

  describeFile({ file, columns, detected }: FoundFile): void {
    Object.assign(this.#current(), {
      type: file.type,
      encoding: file.encoding,
      size_bytes: file.sizeBytes,
      columns,
      format: detected.format.name,
      column_mapping: detected.plan,
      reason: detected.reason,
      considered: detected.considered,
    });
  }

  addFault(fault: DataFault, isRow: boolean): void {
    this.faults.add(fault);
    if (isRow) this.#current().bad_rows++;
    const example = { file: fault.file ?? '', line: fault.line ?? 0, text: fault.message };
    if (EMPTY_CODES.has(fault.code)) this.#empty.add(example);
    if (ORDER_CODES.has(fault.code)) this.#roleOrder.add(example);
  }

  /** Counts a usable row; `digest` stands for its content. Training files come before evaluation files. */
  addExample(example: Example, digest: bigint, source: RowSource): void {
    const file = this.#current();
    file.rows++;
    const place = { file: this.#files.length - 1, line: source.line };
    const sameRole = this.#seen[file.role].addOrFind(digest, place);
    const trained = file.role === 'eval' ? this.#seen.train.find(digest) : null;
    if (trained !== null) this.#overlap.add(this.#repetition(example, source, trained));
    if (sameRole !== null) this.#duplicates.add(this.#repetition(example, source, sameRole));
    if (example.kind === 'classification') this.#countLabels(example.label);
  }

  addTokens(
    result: TokenizeResult,
    example: Example,
    source: RowSource,
    tokenizer: Tokenizer,
    maxLength: number,
  ): void {
    const { tokenized, allTokens, fullLength, supervised, supervisedCut } = result;
    const sums = this.#tokens;
    sums.rows++;
    sums.total += allTokens;
    sums.supervised += supervised;
    sums.lengths += fullLength;
    sums.longest = Math.max(sums.longest, fullLength);
    if (tokenized.decoderIds !== null) sums.inParts = true;
    if (endsWithStopToken(tokenized.decoderIds ?? tokenized.labels, tokenizer)) sums.stopped++;
    this.#histogram[HISTOGRAM_EDGES.findLastIndex((edge) => edge <= fullLength)]!++;
    const text = excerpt(exampleText(example));
    if (fullLength > maxLength) this.#truncated.add({ ...source, text: `${fullLength} tokens: ${text}` });
    if (supervised === 0 && supervisedCut > 0) this.#cutOff.add({ ...source, text });
  }

  wantsSample(): boolean {
    return this.#samples.length < MAX_SAMPLES;
  }

  addSample(sample: RenderedSample): void {
    if (this.wantsSample()) this.#samples.push(sample);
  }

  toReport(): DataReport {
    const sum = (of: (file: OpenFile) => number): number => this.#files.reduce((total, file) => total + of(file), 0);
    return {
      files: this.#files,
      rows: sum((file) => file.rows),
      bad_rows: sum((file) => file.bad_rows),
      faults: this.faults.listed,
      fault_count: this.faults.total,
      fault_counts: this.faults.counts,
      notices: this.notices.all,
      duplicates: this.#duplicates.toFinding(),
      overlap: this.#overlap.toFinding(),
      empty: this.#empty.toFinding(),
      role_order: this.#roleOrder.toFinding(),
      truncated: this.#truncated.toFinding(),
      labels_cut_off: this.#cutOff.toFinding(),
      labels: this.#labelReport(),
      tokens: this.#tokenReport(),
      samples: this.#samples,
    };
  }

  /** How a field is called in a file. */
  columnOf(file: string, field: string): string {
    return this.#files.find(({ path }) => path === file)?.column_mapping[field] ?? field;
  }

  #current(): OpenFile {
    const file = this.#files.at(-1);
    if (file === undefined) throw new Error('internal: openFile comes first');
    return file;
  }

  #repetition(example: Example, source: RowSource, first: { file: number; line: number }): FindingExample {
    return {
      ...source,
      text: excerpt(exampleText(example)),
      same_as: { file: this.#files[first.file]!.path, line: first.line },
    };
  }

  #countLabels(label: string | number | readonly (string | number)[]): void {
    for (const name of Array.isArray(label) ? (label as readonly (string | number)[]) : [label as string | number]) {
      const key = String(name);
      if (this.#labels.size < MAX_LABEL_NAMES || this.#labels.has(key))
        this.#labels.set(key, (this.#labels.get(key) ?? 0) + 1);
    }
  }

  #labelReport(): DataReport['labels'] {
    if (this.#labels.size === 0) return null;
    return [...this.#labels]
      .map(([name, rows]) => ({ name, rows }))
      .sort((a, b) => b.rows - a.rows || (a.name < b.name ? -1 : 1));
  }

  #tokenReport(): TokenReport | null {
    const { rows, total, supervised, lengths, longest, stopped, inParts } = this.#tokens;
    if (rows === 0) return null;
    const histogram = HISTOGRAM_EDGES.map((from, index) => ({
      from,
      to: HISTOGRAM_EDGES[index + 1] ?? null,
      rows: this.#histogram[index]!,
    }));
    const last = histogram.findLastIndex((bucket) => bucket.rows > 0);
    return {
      total,
      supervised,
      length_of: inParts ? 'longer_part' : 'row',
      longest,
      mean: lengths / rows,
      histogram: histogram.slice(0, last + 1),
      rows_with_stop_token: stopped,
    };
  }
}

function endsWithStopToken(labels: Int32Array, tokenizer: Tokenizer): boolean {
  const last = labels.findLast((label) => label !== IGNORED_LABEL);
  return last !== undefined && (tokenizer.eosTokenIds.includes(last) || tokenizer.isSpecial(last));
}
