/**
 * @file What is being set up in the wizard, kept until it is started or thrown away.
 */
import type { JsonValue } from '../../src-shared/domain/json.ts';
import { deleteDraft, findDraft, listDrafts, upsertDraft } from '../store/drafts.ts';
import type { History } from './history.ts';

export interface DraftHead {
  readonly id: string;
  readonly name: string;
  readonly updated_at: number;
}

export interface DraftService {
  /** Latest first. */
  list(): Promise<DraftHead[]>;
  get(id: string): Promise<(DraftHead & { readonly content: JsonValue }) | null>;
  save(id: string, name: string, content: JsonValue): Promise<DraftHead>;
  remove(id: string): Promise<void>;
}

export function createDraftService(history: History): DraftService {
  return {
    async list() {
      return listDrafts(await history.open()).map(({ id, name, updated_at }) => ({ id, name, updated_at }));
    },
    async get(id) {
      const draft = findDraft(await history.open(), id);
      if (!draft) return null;
      const { name, updated_at, content_json } = draft;
      return { id, name, updated_at, content: JSON.parse(content_json) as JsonValue };
    },
    async save(id, name, content) {
      const updated_at = Date.now();
      upsertDraft(await history.open(), { id, name, content_json: JSON.stringify(content), updated_at });
      return { id, name, updated_at };
    },
    async remove(id) {
      deleteDraft(await history.open(), id);
    },
  };
}
