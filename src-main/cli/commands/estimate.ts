/** @file tunesmith estimate */
import type { Command } from 'commander';
import type { PlannedMemory, RunPlan } from '../../../src-shared/domain/run-plan.ts';
import type { RunAction } from '../command.ts';
import { formatBytes, formatTable } from '../format.ts';
import { addTrainFlags, readTrainConfig, SETTINGS_HELP, type TrainFlags } from '../train-config.ts';

const HELP = `
Takes what \`train\` takes, reads the data, and trains nothing. Where the run does not fit into memory, the least harmful change
with which it does is proposed. The estimate is corrected by what earlier runs on this machine took.

Example:
  $ tunesmith estimate --model sample --data rows.jsonl --set data.max_length=1024`;

export function addEstimateCommand(parent: Command, run: RunAction): void {
  addTrainFlags(parent.command('estimate'))
    .description('how much memory a run would take, and how to make it fit')
    .addHelpText('after', `${SETTINGS_HELP}\n${HELP}`)
    .action((flags: TrainFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const config = await readTrainConfig(flags, services);
        const plan = await services.data.plan(config, { signal, onEvent: reportWork(reporter) });
        const { memory, total_steps, trainable_parameters, total_parameters, checkpoint_bytes } = plan;
        const result = { ...memory, total_steps, trainable_parameters, total_parameters, checkpoint_bytes };
        reporter.result(result, describeEstimate(plan));
      }),
    );
}

function describeEstimate({ memory, checkpoint_bytes: checkpointBytes }: RunPlan): string {
  const activations = memory.checkpointing ? memory.checkpointed_activation_bytes : memory.activation_bytes;
  const evaluation = memory.evaluation_bytes + memory.answer_cache_bytes;
  const rows = [
    ['Model', formatBytes(memory.weight_bytes)],
    ...(memory.cache_bytes > 0 ? [['Expanded copies', formatBytes(memory.cache_bytes)]] : []),
    ['Training', formatBytes(memory.trained_bytes)],
    [memory.checkpointing ? 'Activations (checkpointed)' : 'Activations', formatBytes(activations)],
    ...(evaluation > 0 ? [['Evaluations and answers', `${formatBytes(evaluation)}, in turn with the steps`]] : []),
    ['Runtime', formatBytes(memory.runtime_bytes)],
    ...(memory.correction === 1
      ? []
      : [['What earlier runs took of the sum', `${Math.round(100 * memory.correction)} %`]]),
    [
      memory.limit === 'wasm' ? 'Usable by the wasm engine' : 'Free on this machine',
      formatBytes(memory.available_bytes),
    ],
    ['Disk for a checkpoint', formatBytes(checkpointBytes)],
  ];
  return `${formatTable(['Peak memory', formatBytes(memory.peak_bytes)], rows)}\n\n${verdict(memory)}`;
}

function verdict({ fits, proposal, limit }: PlannedMemory): string {
  if (fits) return 'It fits.';
  const others = limit === 'wasm' ? 'install TensorFlow (`engine install`)' : 'close other programs';
  if (proposal === null) return `It does not fit, whatever is changed: choose a smaller model or ${others}.`;
  const changes = Object.entries(proposal.settings).map(([path, value]) => `  --set ${path}=${value}`);
  return `It does not fit. With these settings it needs ${formatBytes(proposal.peak_bytes)}:\n${changes.join('\n')}`;
}
