/**
 * @file Texts that were written for the terminal too, for a window: settings in the words of the screens, no commands to type.
 */
import { findSettings } from '../../src-shared/domain/settings-text.ts';
import { describeSetting } from './settings-text.ts';

const COMMAND = /tunesmith|--[a-z]|Ctrl-C|scripts\//;
const SETTINGS = /--set [\w.]+=\S+(?:\s+--set [\w.]+=\S+)*/g;

/** Sentences that are of use in a window. */
export function usefulSentences(text: string): string[] {
  const sentences = text.split(/(?<=[.;:])\s+|\n/).filter((sentence) => !COMMAND.test(sentence));
  return sentences.filter((sentence) => !sentence.endsWith(':'));
}

/** The text without its commands; settings that it names stay, as the screens name them. */
export function plainText(text: string): string {
  const named = text.replace(SETTINGS, (settings) =>
    findSettings(settings)
      .map(({ path, value }) => describeSetting(path, value))
      .join(', '),
  );
  return COMMAND.test(named) ? usefulSentences(named).join(' ').replace(/;$/, '.') : named;
}
