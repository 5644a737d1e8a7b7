/**
 * @file Peak memory of runs, estimated and measured, over model families, lengths, batches, storages, checkpointing, optimizers, with
 * what lies between products as single ops and as kernels, and with evaluations and answers between the steps:
 *
 *   node scripts/with-node.mjs test/bench/memory.ts FOLDER [TEXT]     measures what was not measured yet, writes MEMORY.md
 *
 * Run by hand (an hour on two cores; memory needs no quiet machine). It may be stopped and started again: what was measured stays
 * in FOLDER/measured.json; with TEXT only configurations whose name has it are measured. Estimates are worked out anew each time:
 * the constants of src-shared/domain/memory-model.ts are fitted to this table. Copies of quantized weights are switched off: they
 * would take what is free.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../scripts/setup/paths.mjs';
import { type Configuration, CONFIGURATIONS, keyOf } from './memory/configurations.ts';
import { estimatePeak, measurePeak } from './memory/measure.ts';

interface Row {
  readonly configuration: Configuration;
  readonly estimatedBytes: number;
  readonly measuredBytes: number;
}

function report(rows: readonly Row[]): string {
  const megabytes = (bytes: number): string => String(Math.round(bytes / 1e6));
  const ratios = rows.map(({ estimatedBytes, measuredBytes }) => estimatedBytes / measuredBytes - 1);
  const within = ratios.filter((ratio) => Math.abs(ratio) <= 0.15).length;
  const percent = (ratio: number): string => `${ratio >= 0 ? '+' : ''}${(100 * ratio).toFixed(1)} %`;
  return [
    '# Peak memory of runs: estimated and measured',
    '',
    `${rows.length} configurations; ${within} within 15 %; from ${percent(Math.min(...ratios))} to ${percent(Math.max(...ratios))}.`,
    '',
    '| Model | Weights | Length | Batch | Checkpointing | Fused | Beside LoRA | Estimated MB | Measured MB | Difference |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ configuration, estimatedBytes, measuredBytes }, index) => {
      const { model, method, length, batch, checkpointing, fused, extra } = configuration;
      const ways = [checkpointing ? 'yes' : 'no', fused ? 'yes' : 'no'];
      const cells = [model, method, length, batch, ...ways, extra, megabytes(estimatedBytes)];
      return `| ${[...cells, megabytes(measuredBytes), percent(ratios[index]!)].join(' | ')} |`;
    }),
    '',
  ].join('\n');
}

const [folderName, text = ''] = process.argv.slice(2);
if (folderName === undefined) throw new Error('usage: node scripts/with-node.mjs test/bench/memory.ts FOLDER [TEXT]');
const folder = path.resolve(folderName);
mkdirSync(folder, { recursive: true });
process.env['TUNESMITH_WEIGHT_CACHE_MB'] = '0';
const store = path.join(folder, 'measured.json');
const measured = existsSync(store) ? (JSON.parse(readFileSync(store, 'utf8')) as Record<string, number>) : {};
for (const configuration of CONFIGURATIONS) {
  const key = keyOf(configuration);
  if (key in measured || !key.includes(text)) continue;
  measured[key] = await measurePeak(folder, configuration);
  process.stdout.write(`${key}: ${Math.round(measured[key] / 1e6)} MB\n`);
  writeFileSync(store, JSON.stringify(measured, null, 1));
}
const rows: Row[] = [];
for (const configuration of CONFIGURATIONS) {
  const measuredBytes = measured[keyOf(configuration)];
  if (measuredBytes === undefined) continue;
  rows.push({ configuration, measuredBytes, estimatedBytes: await estimatePeak(folder, configuration) });
}
writeFileSync(path.join(REPO_ROOT, 'test/bench/MEMORY.md'), report(rows));
