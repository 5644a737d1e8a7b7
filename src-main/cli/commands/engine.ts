/** @file tunesmith engine status | install | weight-cache */
import type { Command } from 'commander';
import type { EngineStatus, InstallProgress } from '../../services/engine-service.ts';
import { formatBytes, formatTable } from '../format.ts';
import type { RunAction } from '../command.ts';
import type { CommandContext } from '../context.ts';
import type { Reporter } from '../reporter.ts';

export function addEngineCommand(parent: Command, run: RunAction): void {
  const engine = parent.command('engine').description('the TensorFlow runtime that computes');
  engine
    .command('status')
    .description('which runtime is installed, what it runs on, threads and memory')
    .addHelpText('after', '\nExample:\n  $ tunesmith engine status')
    .action(() =>
      run(async ({ reporter, services }) => {
        const { getEngineStatus } = await import('../../services/engine-service.ts');
        const status = await getEngineStatus(await (await services()).weightCache.read());
        reporter.result(status, describeStatus(status));
      }),
    );
  engine
    .command('install')
    .description('fetch and build the runtime; what is there and works is kept')
    .option('--cuda', 'the runtime for NVIDIA cards (several GB)')
    .addHelpText('after', '\nExamples:\n  $ tunesmith engine install\n  $ tunesmith engine install --cuda')
    .action(({ cuda = false }: { cuda?: boolean }) =>
      run(async ({ reporter, signal }) => {
        const { getEngineStatus, installEngine } = await import('../../services/engine-service.ts');
        await installEngine({ cuda, signal, onProgress: (progress) => showInstall(reporter, progress) });
        const status = await getEngineStatus();
        reporter.result(status, describeStatus(status));
      }),
    );
  addWeightCacheCommand(engine, run);
}

const WEIGHT_CACHE_HELP = `
4-bit and 8-bit weights are expanded with each use; copies that are kept save that time and cost memory. Runs take as many as
there is room for. TUNESMITH_WEIGHT_CACHE_MB, where it is there, comes before the setting.

Examples:
  $ tunesmith engine weight-cache                       how much may copies take?
  $ tunesmith engine weight-cache 500
  $ tunesmith engine weight-cache 0                     keep none
  $ tunesmith engine weight-cache auto                  an eighth of what is free`;

function addWeightCacheCommand(engine: Command, run: RunAction): void {
  engine
    .command('weight-cache [megabytes]')
    .description('how much memory expanded copies of 4-bit and 8-bit weights may take; with a number, or auto: set it')
    .addHelpText('after', WEIGHT_CACHE_HELP)
    .action((wanted: string | undefined) => run((context) => setWeightCache(context, wanted)));
}

async function setWeightCache({ reporter, services: open }: CommandContext, wanted: string | undefined): Promise<void> {
  const services = await open();
  // What is no number is refused with the other faults of a setting.
  if (wanted !== undefined)
    await services.settings.change({ weight_cache_mb: wanted === 'auto' ? null : Number(wanted) });
  const [{ readMemoryFacts }, { WEIGHT_CACHE_ORIGINS }] = await Promise.all([
    import('../../services/machine-facts.ts'),
    import('../../services/weight-cache.ts'),
  ]);
  const { weight_cache_mb } = await services.settings.read();
  const { weightCacheBytes, weightCacheSource } = readMemoryFacts(await services.weightCache.read());
  const result = { weight_cache_mb, bytes: weightCacheBytes, source: weightCacheSource };
  const origin = WEIGHT_CACHE_ORIGINS[weightCacheSource];
  const text = `Expanded copies of 4-bit and 8-bit weights may take ${formatBytes(weightCacheBytes)} (${origin})`;
  reporter.result(result, text);
}

function showInstall(reporter: Reporter, progress: InstallProgress): void {
  reporter.event({ event: 'install', ...progress });
  if (reporter.json) return;
  const { stage, state, fraction, detail } = progress;
  if (state === 'progress') {
    const percent = fraction === null ? '' : ` ${Math.round(fraction * 100)} %`;
    reporter.status(`${stage}${percent}${detail ? `  ${detail}` : ''}`);
  } else reporter.note(`${stage}: ${state}${detail ? ` (${detail})` : ''}`);
}

function describeStatus({ runtime, device, threads, memory, homeDisk, gpus, node }: EngineStatus): string {
  const version = runtime.version === null ? '' : ` ${runtime.version}`;
  const name = runtime.kind === 'wasm' ? 'wasm' : `TensorFlow${version} (${runtime.kind})`;
  const cards = gpus.map((gpu) => `${gpu.name}, ${formatBytes(gpu.memoryBytes)}, driver ${gpu.driverVersion}`);
  return formatTable(
    ['Engine', `${name}: ${runtime.state}${runtime.detail ? ` (${runtime.detail})` : ''}`],
    [
      ['Folder', runtime.dir ?? '-'],
      ['Device', `${device.name} (${device.kind})`],
      ['Cards', cards.join('; ') || 'none'],
      ['Threads', String(threads)],
      ['Memory', `${formatBytes(memory.availableBytes)} free of ${formatBytes(memory.totalBytes)}`],
      ['Weight cache', `up to ${formatBytes(memory.weightCacheBytes)} (\`engine weight-cache\` sets it)`],
      ['Disk', `${formatBytes(homeDisk.freeBytes)} free for ${homeDisk.folder}`],
      ['Node', node],
    ],
  );
}
