/**
 * @file One answer on the terminal, as it is written.
 */
import { Interrupted } from '../../src-shared/domain/app-error.ts';
import type { ModelSource } from '../engine/recipes/contract.ts';
import type { AskRequest } from '../jobs/protocol.ts';
import type { Services } from '../services/create-services.ts';
import type { CommandContext } from './context.ts';
import { reportWork } from './report-work.ts';

export async function generateAnswer(
  { reporter, signal, onForce }: CommandContext,
  services: Services,
  source: ModelSource,
  request: AskRequest,
): Promise<void> {
  const job = await services.inference.openGenerator(source, { signal, onEvent: reportWork(reporter) });
  onForce(() => job.kill());
  await job.ready;
  reporter.status(null);
  const onText = (chunk: string) => {
    reporter.event({ event: 'text', text: chunk });
    reporter.write(chunk);
  };
  const result = await job.ask(request, { signal, onText });
  job.stop();
  await job.result;
  reporter.write('\n');
  if (result.stop_reason === 'interrupted') throw new Interrupted('Stopped.');
  const speed = `${result.tokens} tokens, ${result.tokens_per_second.toFixed(1)} tokens/s, ${result.stop_reason}`;
  if (!reporter.json) reporter.note(`(${speed})`);
  reporter.result(result);
}
