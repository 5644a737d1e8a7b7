/**
 * @file What the model answers to a few fixed prompts during a run: the person's own, else the first held-out rows.
 */
import { stopIds } from './generate.ts';
import { questionOf } from './answer-examples.ts';
import { greedy } from './choose-token.ts';
import { decode } from './decode.ts';
import type { LoopOptions } from './loop-options.ts';
import { promptText } from './prompt-text.ts';

const MOST_SAMPLES = 3;
const MOST_TOKENS = 64;

interface SamplePrompt {
  readonly ids: ArrayLike<number>;
  readonly prompt: string;
  readonly expected: string | null;
}

/** Writes the answers and reports one `sample` each. */
export async function reportSamples({ options, run, session, progress }: LoopOptions): Promise<void> {
  const { tokenizer, opened, config } = run;
  const prompts = listPrompts(run).filter(({ ids }) => ids.length < opened.model.facts.maxPositions);
  if (prompts.length === 0) return;
  const stops = stopIds(tokenizer, config.data.template);
  const decoded = await decode({
    program: session.program,
    model: opened.model,
    prompts: prompts.map(({ ids }) => ids),
    maxNewTokens: MOST_TOKENS,
    padTokenId: tokenizer.padTokenId ?? 0,
    choose: greedy,
    isEnd: (token) => stops.has(token),
  });
  prompts.forEach(({ prompt, expected }, index) => {
    const answer = tokenizer.decode(decoded[index]!.tokens, { skipSpecialTokens: true }).trim();
    options.host.report({ event: 'sample', step: progress.step, prompt, answer, expected });
  });
}

function listPrompts({ tokenizer, config, data }: LoopOptions['run']): SamplePrompt[] {
  const { sample_prompts: own } = config.training;
  const text = (ids: ArrayLike<number>): string => tokenizer.decode(ids, { skipSpecialTokens: true }).trim();
  if (own.length === 0) {
    const found = new Map<string, SamplePrompt>();
    for (const example of data.eval) {
      const question = questionOf(example);
      if (!question || found.size === MOST_SAMPLES) continue;
      const prompt = promptText(tokenizer, question.prompt);
      if (!found.has(prompt)) found.set(prompt, { ids: question.prompt, prompt, expected: text(question.expected) });
    }
    return [...found.values()];
  }
  return own.map((prompt) => {
    const hasTemplate = config.data.template !== null || tokenizer.chatTemplate !== null;
    const ids = hasTemplate
      ? tokenizer.encode(
          tokenizer.renderChat([{ role: 'user', content: prompt }], {
            addGenerationPrompt: true,
            ...(config.data.template === null ? {} : { template: config.data.template }),
          }),
          { addSpecialTokens: false },
        )
      : tokenizer.encode(prompt, { addSpecialTokens: true });
    return { ids, prompt, expected: null };
  });
}
