/**
 * @file The playground's and the CLI's answers: a loaded model that answers as its task does, in text or with a class.
 */
import type { Generator, OpenGenerator } from './contract.ts';
import { openInferenceSession } from './inference-session.ts';
import type { Task } from './task.ts';
import { makeTask } from './tasks/make-task.ts';

/** Loads the model once; it stays on the device until the process ends. */
export const openGenerator: OpenGenerator = async (options) => {
  const { host } = options;
  let task: Task;
  const { program } = await openInferenceSession(host, options, async (parts) => {
    task = makeTask(parts.opened, await parts.opened.tokenizer());
    return task.answering(parts);
  });
  return { generate: (request) => task.answer({ program, now: host.now }, request) } satisfies Generator;
};
