/**
 * @file Hands a traced graph to TensorFlow. It goes through a temporary file: the binding can only load one.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TensorFlowBinding } from '../device/tensorflow-binding.ts';
import type { GraphRunner } from './graph-runner.ts';
import { encodeSavedModel } from './protobuf.ts';

/** @returns the session's number; `deleteSavedModel` ends it. @throws where TensorFlow does not know an op */
export function loadGraph(binding: TensorFlowBinding, { nodes, functions }: GraphRunner): number {
  const dir = mkdtempSync(path.join(tmpdir(), 'tunesmith-graph-'));
  try {
    writeFileSync(path.join(dir, 'saved_model.pb'), encodeSavedModel(nodes, functions));
    return binding.loadSavedModel(dir, 'serve');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
