/**
 * @file What every starter does first: set up what is missing, or say what is and stop.
 */
import { ensureReady } from '../setup/ensure-ready.mjs';
import { describeFailure, exitCodeOf } from '../setup/failure.mjs';
import { ensureBuilt } from './build-app.mjs';

/** @typedef {import('../setup/ensure-ready.mjs').Readiness} Readiness */

/**
 * Ends the process with the set-up's exit code where it fails.
 * @param {import('../setup/ensure-ready.mjs').SetupOptions} [options]
 * @returns {Promise<Readiness>}
 */
export async function prepareOrExit(options) {
  try {
    return await ensureReady(options);
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

/**
 * Builds the app where its sources changed; ends the process where that fails.
 * @param {string} node path of Node 24
 */
export async function buildOrExit(node) {
  try {
    await ensureBuilt({ node });
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

/**
 * One line, on stderr, that the large engine is missing.
 * @param {Readiness} ready
 */
export function noteMissingTensorFlow({ tensorflow, reason, fix }) {
  if (tensorflow || process.env.TUNESMITH_ENGINE === 'wasm') return;
  process.stderr.write(`Note: working without TensorFlow (small models only, slow): ${reason}\n  Fix: ${fix}\n`);
}
