/**
 * @file One answer on the terminal, as it is written.
 */
import { Interrupted } from '../../src-shared/domain/app-error.ts';
import type { GenerateResult, ModelSource } from '../engine/recipes/contract.ts';
import type { AskRequest } from '../jobs/protocol.ts';
import type { Services } from '../services/create-services.ts';
import type { CommandContext } from './context.ts';
import { formatTable } from './format.ts';
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
  // A question that is refused ends the job too: this process would wait for it.
  const result = await job.ask(request, { signal, onText }).finally(() => job.stop());
  await job.result;
  reporter.write('\n');
  if (result.stop_reason === 'interrupted') throw new Interrupted('Stopped.');
  if (!reporter.json) reporter.note(describeEnd(result));
  reporter.result(result);
}

const MOST_CLASSES = 10;

/** A classifier's answer is its probabilities; a regression's number stands in the text already. */
function describeEnd({ classes, tokens, tokens_per_second: speed, stop_reason: reason }: GenerateResult): string {
  if (!classes) return `(${tokens} tokens, ${speed.toFixed(1)} tokens/s, ${reason})`;
  if (classes.length < 2) return '(a number)';
  const what = reason === 'classified' ? 'Class' : 'Word';
  const shown = classes.slice(0, MOST_CLASSES);
  const rows = shown.map(({ label, probability }) => [label, `${(100 * probability).toFixed(1)} %`]);
  const more = classes.length - shown.length;
  return [formatTable([what, 'Probability'], rows), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}
