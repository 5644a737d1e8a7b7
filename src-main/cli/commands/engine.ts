/** @file tunesmith engine status | install */
import type { Command } from 'commander';
import type { EngineStatus, InstallProgress } from '../../services/engine-service.ts';
import { formatBytes, formatTable } from '../format.ts';
import type { RunAction } from '../command.ts';
import type { Reporter } from '../reporter.ts';

export function addEngineCommand(parent: Command, run: RunAction): void {
  const engine = parent.command('engine').description('the TensorFlow runtime that computes');
  engine
    .command('status')
    .description('which runtime is installed, what it runs on, threads and memory')
    .addHelpText('after', '\nExample:\n  $ tunesmith engine status')
    .action(() =>
      run(async ({ reporter }) => {
        const { getEngineStatus } = await import('../../services/engine-service.ts');
        const status = await getEngineStatus();
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
      ['Weight cache', `up to ${formatBytes(memory.weightCacheBytes)} (TUNESMITH_WEIGHT_CACHE_MB sets it)`],
      ['Disk', `${formatBytes(homeDisk.freeBytes)} free for ${homeDisk.folder}`],
      ['Node', node],
    ],
  );
}
