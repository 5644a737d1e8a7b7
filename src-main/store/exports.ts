/**
 * @file What was exported, where to, and what was found when it was checked.
 */
import type { ExportCertificate } from '../../src-shared/domain/export-certificate.ts';
import type { ExportRecord } from '../../src-shared/domain/history.ts';
import { execute, type ReadableDb, selectAll, selectOne, type WritableDb } from './database.ts';

type ExportRow = Omit<ExportRecord, 'certificate'> & { readonly certificate_json: string | null };

export function insertExport(db: WritableDb, { certificate, ...record }: ExportRecord): void {
  execute(
    db,
    `INSERT INTO exports (id, run_id, format, path, size_bytes, created_at, model_dir, adapter_dir, certificate_json)
     VALUES (@id, @run_id, @format, @path, @size_bytes, @created_at, @model_dir, @adapter_dir, @certificate_json)`,
    { ...record, certificate_json: toJson(certificate) },
  );
}

export function setExportCertificate(db: WritableDb, id: string, certificate: ExportCertificate): void {
  execute(db, 'UPDATE exports SET certificate_json = @json WHERE id = @id', { id, json: toJson(certificate) });
}

export function findExport(db: ReadableDb, id: string): ExportRecord | null {
  const row = selectOne<ExportRow>(db, 'SELECT * FROM exports WHERE id = @id', { id });
  return row && toRecord(row);
}

/** Latest first. */
export function listExports(db: ReadableDb, runId: string): ExportRecord[] {
  const sql = 'SELECT * FROM exports WHERE run_id = @runId ORDER BY created_at DESC, id';
  return selectAll<ExportRow>(db, sql, { runId }).map(toRecord);
}

function toRecord({ certificate_json: json, ...record }: ExportRow): ExportRecord {
  return { ...record, certificate: json === null ? null : (JSON.parse(json) as ExportCertificate) };
}

function toJson(certificate: ExportCertificate | null): string | null {
  return certificate && JSON.stringify(certificate);
}
