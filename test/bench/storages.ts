/**
 * @file The loss of the sample model in each storage, on held-out text of the kind that it was pre-trained on and on the rows of the sample
 * task that it has not learnt, beside what transformers and bitsandbytes make of the same tokens:
 *
 *   node scripts/with-node.mjs test/bench/storages.ts FOLDER     five minutes on two cores; writes its part of METHODS.md
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensurePythonEnv } from '../../scripts/python-env.mjs';
import { makeCorpus, renderRows } from '../../scripts/sample/corpus/corpus.ts';
import { describeRun } from '../../scripts/sample/pretraining.ts';
import { CORPUS_ROWS } from '../../scripts/sample/resources.ts';
import { makeTaskData } from '../../scripts/sample/task-data.ts';
import { REPO_ROOT } from '../../scripts/setup/paths.mjs';
import type { EngineHost } from '../../src-main/engine/recipes/contract.ts';
import { readExamples } from '../../src-main/engine/recipes/evaluate.ts';
import { prepareRun } from '../../src-main/engine/recipes/prepare-run.ts';
import { locateRuntime } from '../../src-main/services/runtime-locator.ts';
import { STORAGES, type StorageReport } from '../../src-shared/domain/quantize-report.ts';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import { keepSection } from './keep-section.ts';

/** Storage -> loss. */
type Losses = Readonly<Record<string, number>>;

const MODEL = path.join(REPO_ROOT, 'resources/sample-model');
const TASK_ROWS = path.join(REPO_ROOT, 'resources/sample-data/test.jsonl');
const MOST_ROWS = 1_000_000;
const HEADING = '## The untrained model in each storage';

const nameOf = ({ method, double_quant }: StorageReport['quantization']): string =>
  method === 'nf4' && !double_quant ? 'nf4-single' : method;

/** The rows that pre-training has held out, as it made them. @returns their files */
async function writeHeldOut(folder: string, host: EngineHost): Promise<string[]> {
  const corpus = makeCorpus(CORPUS_ROWS, makeTaskData());
  const files = Object.entries(corpus).map(([name, rows]) => {
    const file = path.join(folder, `${name}.jsonl`);
    writeFileSync(file, renderRows(rows));
    return file;
  });
  const config = parseRunConfig(describeRun(MODEL, files));
  const { data, opened } = await prepareRun({ host, config, resume: null }, null);
  await opened.folder.close();
  return files.map((file) => {
    const lines = readFileSync(file, 'utf8').split('\n');
    const kept = data.eval.filter(({ source }) => source.file === file).map(({ source }) => lines[source.line - 1]);
    const target = file.replace('.jsonl', '-held-out.jsonl');
    writeFileSync(target, `${kept.join('\n')}\n`);
    return target;
  });
}

function measureOwn(folder: string, files: readonly string[]): Losses {
  const script = path.join(REPO_ROOT, 'scripts/tunesmith.mjs');
  const data = files.flatMap((file) => ['--data', file]);
  const args = ['quantize-report', '--model', MODEL, ...data, '--rows', String(MOST_ROWS), '--json'];
  const env = { ...process.env, TUNESMITH_HOME: path.join(folder, 'home') };
  const { stdout, status } = spawnSync(process.execPath, [script, ...args], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout.trim().split('\n').at(-1));
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });
  const storages = events.filter(({ event }) => event === 'storage') as unknown as StorageReport[];
  return Object.fromEntries(storages.map(({ quantization, eval_loss }) => [nameOf(quantization), eval_loss]));
}

/** The tokens that ours are measured on. @returns their file and the number of labels */
async function writeTokens(folder: string, name: string, files: readonly string[], host: EngineHost) {
  const { examples } = await readExamples({
    host,
    modelDir: MODEL,
    adapterDir: null,
    data: { paths: files, format: 'auto', columns: {}, template: null, max_length: null, completion_only_loss: true },
  });
  const rows = path.join(folder, `${name}-tokens.jsonl`);
  const lines = examples.map(({ inputIds, labels }) => ({ input_ids: [...inputIds], labels: [...labels] }));
  writeFileSync(rows, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return rows;
}

async function measureTheirs(
  folder: string,
  rows: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, Losses>>> {
  const [spec, result] = [path.join(folder, 'spec.json'), path.join(folder, 'result.json')];
  writeFileSync(spec, JSON.stringify({ model: MODEL, rows }));
  const script = path.join(REPO_ROOT, 'test/bench/python/storage_losses.py');
  execFileSync(await ensurePythonEnv(), ['-B', script, spec, result], { stdio: ['ignore', 'inherit', 'inherit'] });
  return JSON.parse(readFileSync(result, 'utf8')) as Record<string, Losses>;
}

const folder = path.resolve(process.argv[2] ?? '');
if (process.argv[2] === undefined) throw new Error('usage: node scripts/with-node.mjs test/bench/storages.ts FOLDER');
mkdirSync(folder, { recursive: true });
const runtime = await locateRuntime();
const { signal } = new AbortController();
const host = { bindingPath: runtime!.bindingPath, now: () => performance.now(), signal, report: () => {} };
const kinds = [
  { name: 'own', title: 'Its own kind of text', files: await writeHeldOut(folder, host) },
  { name: 'task', title: 'Rows of the task', files: [TASK_ROWS] },
];
const own = kinds.map(({ files }) => measureOwn(folder, files));
const tokens: Record<string, string> = {};
for (const { name, files } of kinds) tokens[name] = await writeTokens(folder, name, files, host);
const theirs = await measureTheirs(folder, tokens);
const header = ['Weights', ...kinds.flatMap(({ title }) => [title, 'beside f32', 'theirs', 'beside f32'])];
const rows = STORAGES.map(nameOf).map((storage) => [
  storage,
  ...kinds.flatMap(({ name }, index) => {
    const [ours, base] = [own[index]![storage]!, own[index]!['none']!];
    const [other, otherBase] = [theirs[storage]![name]!, theirs['none']![name]!];
    const beside = (difference: number): string => `${difference < 0 ? '' : '+'}${difference.toFixed(4)}`;
    return [ours.toFixed(4), beside(ours - base), other.toFixed(4), beside(other - otherBase)];
  }),
]);
keepSection(path.join(REPO_ROOT, 'test/bench/METHODS.md'), HEADING, [
  'Mean loss by `quantize-report`, beside transformers with bitsandbytes ("theirs") on the same tokens. Made by `test/bench/storages.ts`:',
  'its own kind of text is what pre-training held out; the rows of the task are those of `resources/sample-data/test.jsonl`.',
  '',
  ...[header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
]);
