import { expect, it } from 'vitest';
import { writeMetricsCsv } from '../../../src-main/services/metrics-csv.ts';
import { inTransaction } from '../../../src-main/store/database.ts';
import { insertEvaluation, insertMetric } from '../../../src-main/store/metrics.ts';
import { openHistory } from '../../store/support.ts';

const STEPS = 5_000;

function openLongRun() {
  const db = openHistory();
  const evaluation = { eval_loss: 0.5, perplexity: 2, best: false };
  inTransaction(db, () => {
    for (let step = 1; step <= STEPS; step++) {
      const figures = { learning_rate: 1, grad_norm: 1, tokens_per_second: 1, tokens: 1, memory_bytes: 1 };
      if (step % 2 === 0) insertMetric(db, 'r1', { step, loss: step / 4, ...figures, epoch: 1, elapsed_ms: 1 });
    }
    insertEvaluation(db, 'r1', { step: 0, ...evaluation, metrics: {} });
    insertEvaluation(db, 'r1', { step: 3, ...evaluation, metrics: { accuracy: 0.25 } });
    insertEvaluation(db, 'r1', { step: 4, ...evaluation, metrics: { accuracy: 0.75 } });
    insertEvaluation(db, 'r1', { step: STEPS + 7, ...evaluation, metrics: {} });
  });
  return db;
}

it('has a line for each step, whether it was trained, checked or both, in their order', async () => {
  const [head, ...lines] = (await writeMetricsCsv(openLongRun(), 'r1')).trimEnd().split('\n');
  expect(head).toBe(
    'step,loss,eval_loss,perplexity,learning_rate,grad_norm,tokens_per_second,tokens,memory_bytes,epoch,elapsed_ms,accuracy',
  );
  expect(lines.slice(0, 4)).toEqual([
    '0,,0.5,2,,,,,,,,',
    '2,0.5,,,1,1,1,1,1,1,1,',
    '3,,0.5,2,,,,,,,,0.25',
    '4,1,0.5,2,1,1,1,1,1,1,1,0.75',
  ]);
  expect(lines.at(-1)).toBe(`${STEPS + 7},,0.5,2,,,,,,,,`);
  const steps = lines.map((line) => Number(line.split(',')[0]));
  expect(steps).toHaveLength(STEPS / 2 + 3);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
});

it('lets others go on while it is made', async () => {
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  await writeMetricsCsv(openLongRun(), 'r1');
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});

it('of a run without a step is its head alone', async () => {
  expect((await writeMetricsCsv(openHistory(), 'r1')).split('\n')).toHaveLength(2);
});
