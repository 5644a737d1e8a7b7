/**
 * @file The language rules really fail on bad code, with the project's own configuration.
 */
import path from 'node:path';
import { ESLint } from 'eslint';
import { expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const eslint = new ESLint({ cwd: ROOT });

/** Any file that exists will do: typed rules need a file that the compiler settings include. */
const SHARED_FILE = 'src-shared/domain/app-error.ts';

it.each([
  ['an explicit any', 'export const value: any = 1;', '@typescript-eslint/no-explicit-any'],
  [
    'a promise nobody waits for',
    'export function run(): void {\n  Promise.resolve(1);\n}',
    '@typescript-eslint/no-floating-promises',
  ],
  ['a default export', 'export default function run(): void {}', 'house/named-exports'],
  ['console outside the command line', "console.log('x');\nexport {};", 'no-console'],
  ['an import without the file ending', "export { AppError } from './other';", 'house/ts-extension'],
  [
    'a switch that forgets a case',
    "export function run(kind: 'a' | 'b'): number {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}",
    '@typescript-eslint/switch-exhaustiveness-check',
  ],
  ['a file of more than 500 lines', 'export {};\n'.repeat(501), 'max-lines'],
])('refuses %s', async (_name, code, rule) => {
  const [result] = await eslint.lintText(code, { filePath: path.join(ROOT, SHARED_FILE) });
  expect(result?.messages.map((message) => message.ruleId)).toContain(rule);
});
