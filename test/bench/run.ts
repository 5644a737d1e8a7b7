/**
 * @file npm run bench: our training speed and memory beside PyTorch + PEFT on the same machine, the same weights and the same rows.
 *
 *   npm run bench                        the 135M shape at 4x256, 1x1024 and 16x64, all arms; about an hour; writes RESULTS.md
 *   npm run bench -- --quick             4x256, one round of six steps; only prints
 *   npm run bench -- --busy --model tiny --workload 2x32 --rounds 1 --steps 5       tries the bench itself
 *   npm run bench -- --model 360M --workload 4x256 --arms Tunesmith --rounds 3 --steps 8
 *
 * Protocol: quiet machine (else it stops), pinned threads, arms in turn in fresh processes, loss traces equal in the
 * first round or the row is void, first steps left out, medians with quartiles, ratios of neighbours in time.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePythonEnv } from '../../scripts/python-env.mjs';
import { cacheRoot, REPO_ROOT, runtimesRoot } from '../../scripts/setup/paths.mjs';
import { ARMS, type Arm, type Prepared } from './arms.ts';
import { describeMachine, pinPrefix, threadEnvironment, waitForQuiet } from './machine.ts';
import { measureArms } from './measure.ts';
import { type BenchResult, formatReport, type WorkloadResult } from './report.ts';
import { measureRoofline } from './roofline.ts';
import { countFlops, MODELS, parseBatchShape, RANK, stepProducts } from './workloads.ts';

interface Plan {
  readonly model: string;
  readonly workloads: readonly string[];
  readonly arms: readonly Arm[];
  readonly rounds: number;
  readonly steps: number;
  readonly threads: number;
  readonly writes: boolean;
  /** Measure although other work runs; the result then says so and is not written down. */
  readonly busy: boolean;
}

const LORA = { r: RANK, lora_alpha: 16, lora_dropout: 0, target_modules: 'all-linear' };

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: '135M' },
      workload: { type: 'string', multiple: true },
      arms: { type: 'string', default: '' },
      rounds: { type: 'string' },
      steps: { type: 'string' },
      threads: { type: 'string', default: String(availableParallelism()) },
      quick: { type: 'boolean', default: false },
      busy: { type: 'boolean', default: false },
    },
  });
  const wanted = values.arms.toLowerCase();
  const isWhole = !values.quick && wanted === '' && values.model === '135M' && values.workload === undefined;
  return {
    model: values.model,
    workloads: values.workload ?? (values.quick ? ['4x256'] : ['4x256', '1x1024', '16x64']),
    arms: ARMS.filter(({ name }) => name.toLowerCase().includes(wanted)),
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    steps: Number(values.steps ?? (values.quick ? 6 : 10)),
    threads: Number(values.threads),
    writes: isWhole && !values.busy,
    busy: values.busy,
  };
}

async function main(): Promise<void> {
  const plan = readPlan();
  const python = await ensurePythonEnv();
  const folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-bench-'));
  const settle = async () => {
    if (plan.busy || (await waitForQuiet())) return;
    throw new Error(
      'Other work keeps this machine busy; end it, or measure all the same with --busy (not written down).',
    );
  };
  try {
    const workloads: WorkloadResult[] = [];
    for (const workload of plan.workloads)
      workloads.push(await runWorkload(plan, workload, { python, folder, settle }));
    const machine = describeMachine(plan.threads, !plan.busy);
    publish({ machine, rounds: plan.rounds, steps: plan.steps, workloads }, plan.writes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Surroundings {
  readonly python: string;
  readonly folder: string;
  readonly settle: () => Promise<void>;
}

async function runWorkload(
  plan: Plan,
  workload: string,
  { python, folder, settle }: Surroundings,
): Promise<WorkloadResult> {
  const model = MODELS[plan.model];
  if (model === undefined)
    throw new Error(`no model shape "${plan.model}"; there are ${Object.keys(MODELS).join(', ')}`);
  const prepared = prepare(plan, workload, python, folder);
  const prefix = pinPrefix(plan.threads);
  const env = { ...threadEnvironment(plan.threads), TUNESMITH_HOME: path.join(folder, 'home') };
  const products = stepProducts(model, prepared.shape);
  say(`${plan.model} ${workload}: roofline`);
  await settle();
  const roofline = await measureRoofline(products, { folder, python, bindingPath: findBinding(), prefix, env });
  const arms = await measureArms({
    arms: plan.arms,
    rounds: plan.rounds,
    prepared,
    prefix,
    env,
    beforeRun: async (arm, round) => {
      say(`${plan.model} ${workload}, round ${round + 1} of ${plan.rounds}: ${arm}`);
      await settle();
    },
  });
  const tokensPerStep = prepared.shape.batch * prepared.shape.seq;
  return { model: plan.model, workload, tokensPerStep, flopsPerStep: countFlops(products), roofline, arms };
}

/** Makes the model and its adapter once per shape, in the cache, and the rows of this run. */
function prepare({ model, steps }: Plan, workload: string, python: string, folder: string): Prepared {
  const shape = parseBatchShape(workload);
  const cache = path.join(cacheRoot(), 'bench', model);
  mkdirSync(cache, { recursive: true });
  const files = {
    model: path.join(cache, 'model'),
    adapter: path.join(cache, 'adapter'),
    rows: path.join(folder, `${workload}.jsonl`),
  };
  const size = { row_count: shape.batch * steps, row_length: shape.seq };
  const spec = path.join(folder, 'prepare.json');
  writeFileSync(spec, JSON.stringify({ ...files, config: MODELS[model], peft: LORA, ...size }));
  execFileSync(python, ['-B', path.join(REPO_ROOT, 'test/bench/python/prepare.py'), spec], { stdio: 'inherit' });
  return { folder, ...files, shape, steps, python };
}

function findBinding(): string {
  return path.join(runtimesRoot(), 'tensorflow-cpu-2.21.0-linux-x64', 'tfjs_binding.node');
}

function publish(result: BenchResult, writes: boolean): void {
  const report = formatReport(result);
  process.stdout.write(report);
  if (!writes) return;
  const place = (name: string) => path.join(REPO_ROOT, 'test/bench', name);
  const title =
    '# Bench results\n\nWritten by `npm run bench`; how they are measured stands in run.ts, the dated history in LOG.md.\n\n';
  writeFileSync(place('RESULTS.md'), title + report);
  writeFileSync(place('results.json'), `${JSON.stringify(result, null, 2)}\n`);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
