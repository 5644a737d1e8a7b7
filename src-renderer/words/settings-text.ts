/**
 * @file A setting and its value in plain words: "Examples at a time (batch size): 2".
 */
import { common } from './common.ts';
import { fields } from './fields.ts';
import { precisionStep } from './wizard-choices.ts';

const LABELS: Readonly<Record<string, { readonly label: string }>> = fields;
const STORAGES: Readonly<Record<string, { readonly title: string }>> = precisionStep.options;

export function describeSetting(path: string, value: number | string | boolean): string {
  const label = LABELS[path]?.label ?? path;
  const text = String(value);
  const shown = STORAGES[text]?.title ?? (text === 'true' ? common.yes : text === 'false' ? common.no : text);
  return `${label}: ${shown}`;
}
