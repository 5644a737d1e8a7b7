/**
 * @file Sets up a clone: npm packages (Node 24 among them), the TensorFlow runtime, the native binding.
 *
 * Needs Node 20 and nothing installed. Run it as often as you like: what is there is kept, what is torn is made again, and a
 * second run waits for the first. See setup/ensure-ready.mjs for the stages and setup/paths.mjs for where things lie.
 *
 * Exit codes: 0 ready (also without TensorFlow, which is said), 3 something is missing on this machine, 130 interrupted.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ensureReady } from './setup/ensure-ready.mjs';
import { describeFailure, exitCodeOf, SetupError } from './setup/failure.mjs';
import { describePlan } from './setup/plan.mjs';
import { createReporter } from './setup/progress.mjs';

export { ensureReady };

const HELP = `Usage: node scripts/setup.mjs [options]

Sets up whatever is missing. Downloads go to the cache (TUNESMITH_CACHE, else your user's cache folder).

  --cuda       the CUDA 12 runtime for NVIDIA graphics cards (several gigabytes), instead of the CPU one
  --force      fetch and build the runtime again
  --packages   npm packages only
  --dry-run    print what would be fetched, and stop
  --quiet      no progress
  --json       progress and result as one JSON object a line
  --help       this text
`;

const FLAGS = ['--cuda', '--force', '--packages', '--dry-run', '--quiet', '--json', '--help'];

/** @param {string[]} args */
async function main(args) {
  const unknown = args.find((arg) => !FLAGS.includes(arg));
  if (unknown !== undefined) {
    process.stderr.write(`Unknown option ${unknown}\n\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  const [cuda, force, packages, dryRun, quiet, json, help] = FLAGS.map((flag) => args.includes(flag));
  if (help) process.stdout.write(HELP);
  else if (dryRun) process.stdout.write(`${await describePlan({ cuda })}\n`);
  else await setUp({ cuda, force, engine: !packages, mode: json ? 'json' : quiet ? 'quiet' : 'text' });
}

/** @param {{cuda?: boolean, force?: boolean, engine: boolean, mode: 'json' | 'quiet' | 'text'}} options */
async function setUp({ mode, ...options }) {
  try {
    const ready = await ensureReady({ ...options, reporter: createReporter(mode) });
    if (mode === 'json') process.stdout.write(`${JSON.stringify({ event: 'ready', ...ready })}\n`);
    if (mode === 'text') process.stdout.write(`${describeReady(ready)}\n`);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (mode !== 'json') process.stderr.write(`${describeFailure(error)}\n`);
    else process.stdout.write(`${JSON.stringify({ event: 'error', ...plainFailure(error) })}\n`);
  }
}

/** @param {import('./setup/ensure-ready.mjs').Readiness} ready */
function describeReady({ tensorflow, bindingPath, reason, fix }) {
  if (tensorflow) return `Ready. TensorFlow runtime: ${bindingPath}`;
  return reason
    ? `Ready, without TensorFlow (small models only, slow): ${reason}\n  Fix: ${fix}`
    : 'Ready: npm packages.';
}

/** @param {unknown} error */
function plainFailure(error) {
  if (error instanceof SetupError)
    return { code: error.code, message: error.message, hint: error.fix, detail: error.detail };
  return { code: 'setup/failed', message: describeFailure(error), hint: '', detail: '' };
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2));
