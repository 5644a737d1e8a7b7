/**
 * @file The history: searched, filtered and sorted by core, loaded in pieces as it is scrolled, so that thousands of runs open at once.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { MethodInput } from '../../src-shared/contract/contract.ts';
import type { RunSort } from '../../src-shared/contract/run-methods.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { RunState } from '../../src-shared/domain/history.ts';
import type { RunSummary, TagCount } from '../../src-shared/domain/run-views.ts';
import { toFailure } from './failure.ts';

/** Groups of states as a person looks for them. */
export const STATE_GROUPS = {
  all: [],
  working: ['preparing', 'running'],
  resumable: ['paused', 'stopped', 'interrupted'],
  finished: ['finished'],
  failed: ['failed'],
} as const satisfies Record<string, readonly RunState[]>;
export type StateGroup = keyof typeof STATE_GROUPS;

/** A large screen shows about so many. */
const PIECE = 60;
/** As core gives them. */
const MOST_AT_ONCE = 500;
const SEARCH_PAUSE_MS = 150;

/**
 * The history as it was last seen, for as long as nothing in it changes: a person who comes back to it has it at once, and it is read anew
 * behind that.
 */
export class SeenHistory {
  page: { readonly total: number; readonly rows: readonly (RunSummary | undefined)[] } | null = null;
  tags: readonly TagCount[] = [];

  constructor(client: Client) {
    const forget = (): void => void (this.page = null);
    client.on('run:changed', forget);
    client.on('runs:moved', forget);
    client.onRestart(forget);
  }
}

export class RunList {
  search = $state('');
  group = $state<StateGroup>('all');
  tags = $state.raw<readonly string[]>([]);
  trash = $state(false);
  sort = $state<RunSort>('created_at');
  descending = $state(true);

  /** Runs that match; null until the first answer. */
  total = $state<number | null>(null);
  /** By their place in the list; undefined where not loaded yet. */
  rows = $state.raw<readonly (RunSummary | undefined)[]>([]);
  knownTags = $state.raw<readonly TagCount[]>([]);
  failure = $state.raw<PlainError | null>(null);
  selected = $state.raw<readonly string[]>([]);

  readonly isFiltered = $derived(this.search !== '' || this.group !== 'all' || this.tags.length > 0);
  readonly #client: Client;
  readonly #seen: SeenHistory | null;
  /** Pieces that were asked for. */
  #asked: boolean[] = [];
  /** Answers to an earlier question are not wanted any more. */
  #question = 0;
  #searchTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param seen left out = it begins with nothing */
  constructor(client: Client, seen: SeenHistory | null = null) {
    this.#client = client;
    this.#seen = seen;
    if (!seen?.page) return;
    this.total = seen.page.total;
    this.rows = seen.page.rows;
    this.knownTags = seen.tags;
  }

  /** @returns ends the listening */
  watch(): () => void {
    const reload = (): void => void this.reload();
    const ends = [
      this.#client.on('run:changed', (run) => this.#take(run)),
      this.#client.on('runs:moved', reload),
      this.#client.onRestart(reload),
    ];
    reload();
    return () => ends.forEach((end) => end());
  }

  /** Everything anew; what is shown stays until the answer is here. */
  async reload(): Promise<void> {
    this.#question += 1;
    this.#asked = [];
    const [first] = await Promise.all([this.#load(0), this.#loadTags()]);
    if (first) this.rows = first;
  }

  /** Asks for the rows that are about to be seen. */
  need(from: number, to: number): void {
    for (let piece = Math.floor(from / PIECE); piece * PIECE < Math.min(to, this.total ?? 0); piece++) {
      if (!this.#asked[piece]) void this.#load(piece).then((rows) => rows && (this.rows = rows));
    }
  }

  setSearch(text: string): void {
    this.search = text;
    clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => void this.reload(), SEARCH_PAUSE_MS);
  }

  setGroup(group: StateGroup): void {
    this.group = group;
    void this.reload();
  }

  toggleTag(tag: string): void {
    this.tags = this.tags.includes(tag) ? this.tags.filter((other) => other !== tag) : [...this.tags, tag];
    void this.reload();
  }

  setTrash(trash: boolean): void {
    this.trash = trash;
    this.selected = [];
    void this.reload();
  }

  /** A second time turns it around. */
  sortBy(sort: RunSort): void {
    this.descending = sort === this.sort ? !this.descending : sort === 'created_at' || sort === 'ended_at';
    this.sort = sort;
    void this.reload();
  }

  clearFilters(): void {
    this.search = '';
    this.group = 'all';
    this.tags = [];
    void this.reload();
  }

  toggleSelected(run: string): void {
    const { selected } = this;
    this.selected = selected.includes(run) ? selected.filter((other) => other !== run) : [...selected, run];
  }

  clearSelection(): void {
    this.selected = [];
  }

  /** All runs as they come at first. */
  #isWhole(): boolean {
    return !this.isFiltered && !this.trash && this.sort === 'created_at' && this.descending;
  }

  /** Ids of all runs that match, whether loaded or not. */
  async readAllIds(): Promise<string[]> {
    const ids: string[] = [];
    for (;;) {
      const query = { ...this.#query(ids.length), limit: MOST_AT_ONCE };
      const { total, runs } = await this.#client.call('runs:list', query);
      ids.push(...runs.map(({ id }) => id));
      if (runs.length === 0 || ids.length >= total) return ids;
    }
  }

  #query(offset: number): MethodInput<'runs:list'> {
    const { search, tags, trash, sort, descending } = this;
    return {
      search,
      states: [...STATE_GROUPS[this.group]],
      tags: [...tags],
      trash,
      sort,
      descending,
      offset,
      limit: PIECE,
    };
  }

  async #load(piece: number): Promise<readonly (RunSummary | undefined)[] | null> {
    const question = this.#question;
    this.#asked[piece] = true;
    try {
      const { total, runs } = await this.#client.call('runs:list', this.#query(piece * PIECE));
      if (question !== this.#question) return null;
      this.total = total;
      this.failure = null;
      const rows: (RunSummary | undefined)[] = piece === 0 ? [] : [...this.rows];
      rows.length = total;
      for (const [index, run] of runs.entries()) rows[piece * PIECE + index] = run;
      if (this.#seen && piece === 0 && this.#isWhole()) this.#seen.page = { total, rows };
      return rows;
    } catch (error) {
      if (question === this.#question) this.failure = toFailure(error);
      return null;
    }
  }

  async #loadTags(): Promise<void> {
    const known = await this.#client.call('runs:listTags', {}).catch(() => null);
    if (!known) return;
    this.knownTags = known;
    if (this.#seen) this.#seen.tags = known;
  }

  /** A run that is listed changes in its place; a new one may belong anywhere. */
  #take(run: RunSummary): void {
    const index = this.rows.findIndex((row) => row?.id === run.id);
    if (index >= 0) this.rows = this.rows.with(index, run);
    else void this.reload();
  }
}
