/**
 * @file The part `decode`: greedy decoding with a cache, reading prompts, and evaluating batches, beside transformers.
 */
import type { BenchOptions } from '../options.ts';
import { prepareFiles } from '../prepare.ts';
import { AS_JOB, type Surroundings } from '../surroundings.ts';
import { DECODE_ARMS, decodeCommand, readDecodeRun } from './arms.ts';
import { checkEqual, type DecodeFigures, type DecodeResult } from './report.ts';

/** About five minutes on two cores. */
const PLAN = { model: '135M', rounds: 2, repetitions: 2 };
const BATCHES = [1, 8];
const PROMPT_TOKENS = 128;
const NEW_TOKENS = 64;
const EVAL_ROWS = 4;
const EVAL_LENGTH = 256;

export async function runDecode(
  surroundings: Surroundings,
  options: BenchOptions,
  publish: (key: string, figures: DecodeFigures) => Promise<void>,
): Promise<void> {
  const { folder, python, bindingPath, card } = surroundings;
  const model = options.model ?? PLAN.model;
  const rounds = options.rounds ?? (options.quick ? 1 : PLAN.rounds);
  const { model: dir, rows } = prepareFiles(surroundings, model, { count: Math.max(...BATCHES), length: EVAL_LENGTH });
  const sizes = { batches: BATCHES, promptTokens: PROMPT_TOKENS, newTokens: NEW_TOKENS, evalRows: EVAL_ROWS };
  const repetitions = options.quick ? 1 : PLAN.repetitions;
  const device = card === null ? 'cpu' : 'cuda';
  const spec = { bindingPath, device, model: dir, rows, repetitions, ...sizes } as const;
  const arms = DECODE_ARMS.filter(({ name }) => name.toLowerCase().includes(options.arms));
  const results = arms.map((arm): DecodeResult => ({ ...arm, samples: [], void: null }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, arm] of arms.entries()) {
      const known = results[index]!;
      if (known.void !== null) continue;
      const what = `decoding, ${model}, round ${round + 1} of ${rounds}: ${arm.name}`;
      const settings = arm.side === 'ours' ? AS_JOB : {};
      const command = decodeCommand(folder, python, arm, spec);
      const sample = readDecodeRun(await surroundings.run(what, command, settings));
      results[index] =
        typeof sample === 'string' ? { ...known, void: sample } : { ...known, samples: [...known.samples, sample] };
    }
  }
  const evaluatedTokens = EVAL_ROWS * EVAL_LENGTH;
  await publish(model, { model, ...sizes, evaluatedTokens, rounds, results: checkEqual(results) });
}
