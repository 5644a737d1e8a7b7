/**
 * @file The first tables. Metrics, evaluations, samples and checkpoints belong to a run and go with it; exports stay, since their
 * files do.
 */
import type { Migration } from './migration.ts';

const SQL = `
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  dir TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL
    CHECK (state IN ('preparing', 'running', 'paused', 'stopped', 'interrupted', 'finished', 'failed')),
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  task_type TEXT NOT NULL,
  model_path TEXT NOT NULL,
  model_name TEXT NOT NULL,
  method TEXT NOT NULL,
  method_summary TEXT NOT NULL,
  quantization TEXT,
  data_summary TEXT NOT NULL,
  config_json TEXT NOT NULL,
  engine TEXT,
  device TEXT,
  total_steps INTEGER,
  step INTEGER NOT NULL DEFAULT 0,
  epoch REAL NOT NULL DEFAULT 0,
  tokens INTEGER NOT NULL DEFAULT 0,
  trainable_parameters INTEGER,
  total_parameters INTEGER,
  train_rows INTEGER,
  eval_rows INTEGER,
  supervised_tokens INTEGER,
  final_loss REAL,
  eval_loss REAL,
  best_eval_loss REAL,
  best_step INTEGER,
  elapsed_ms REAL NOT NULL DEFAULT 0,
  predicted_memory_bytes INTEGER,
  peak_memory_bytes INTEGER,
  adapter_dir TEXT,
  error_code TEXT,
  error_message TEXT,
  error_hint TEXT,
  notes TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX runs_by_time ON runs (created_at DESC);
CREATE INDEX runs_by_state ON runs (state);

CREATE TABLE run_tags (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (run_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tags_by_tag ON run_tags (tag);

CREATE TABLE metrics (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  loss REAL NOT NULL,
  learning_rate REAL NOT NULL,
  grad_norm REAL NOT NULL,
  tokens_per_second REAL NOT NULL,
  tokens INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  epoch REAL NOT NULL,
  elapsed_ms REAL NOT NULL,
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluations (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  eval_loss REAL NOT NULL,
  perplexity REAL NOT NULL,
  best INTEGER NOT NULL CHECK (best IN (0, 1)),
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluation_metrics (
  run_id TEXT NOT NULL,
  step INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (run_id, step, name),
  FOREIGN KEY (run_id, step) REFERENCES evaluations (run_id, step) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_by_run ON notices (run_id, step);

CREATE TABLE checkpoints (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  path TEXT NOT NULL,
  best INTEGER NOT NULL CHECK (best IN (0, 1)),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  prompt TEXT NOT NULL,
  answer TEXT NOT NULL,
  expected TEXT
) STRICT;
CREATE INDEX samples_by_run ON samples (run_id, step);

CREATE TABLE models (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  path TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL CHECK (source IN ('sample', 'imported', 'found', 'hub')),
  model_type TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  context_tokens INTEGER,
  licence TEXT,
  added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE datasets (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  path TEXT NOT NULL UNIQUE,
  format TEXT NOT NULL,
  rows INTEGER NOT NULL,
  faults INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  inspected_at INTEGER NOT NULL
) STRICT;

CREATE TABLE exports (
  id TEXT PRIMARY KEY,
  run_id TEXT REFERENCES runs (id) ON DELETE SET NULL,
  format TEXT NOT NULL,
  path TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX exports_by_run ON exports (run_id);

CREATE TABLE queue (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'finished', 'failed')),
  config_json TEXT NOT NULL,
  run_id TEXT REFERENCES runs (id) ON DELETE SET NULL,
  error_message TEXT,
  added_at INTEGER NOT NULL
) STRICT;
CREATE INDEX queue_by_position ON queue (state, position);

CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value_json TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE drafts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  content_json TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

export const createHistory: Migration = { version: 1, up: (db) => db.exec(SQL) };
