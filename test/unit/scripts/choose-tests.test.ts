/**
 * @file Which test files a machine without TensorFlow leaves out.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { excludeArguments, listTensorFlowTests } from '../../../scripts/launch/choose-tests.mjs';

const ROOT = path.resolve(import.meta.dirname, '../../..');
let folder = '';

const FILES: Readonly<Record<string, string>> = {
  'test/support/tensorflow.ts': 'export const tensorFlowPath = 1;',
  'test/support/circle-a.ts': "import { b } from './circle-b.ts';",
  'test/support/circle-b.ts': "import { a } from './circle-a.ts';",
  'test/unit/direct.test.ts': "import { tensorFlowPath } from '../support/tensorflow.ts';",
  'test/unit/helper.ts': "import {\n  tensorFlowPath,\n} from '../support/tensorflow.ts';",
  'test/unit/deep/through.test.ts': "import { helper } from '../helper.ts';",
  'test/unit/for-effect.test.ts': "import '../support/tensorflow.ts';",
  'test/unit/circle.test.ts': "import { a } from '../support/circle-a.ts';",
  'test/unit/plain.test.ts': "import { expect } from 'vitest';\nimport { gone } from './not-there.ts';",
};

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-choose-'));
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('finds the files that import the runtime, however', () => {
  const found = ['test/unit/deep/through.test.ts', 'test/unit/direct.test.ts', 'test/unit/for-effect.test.ts'];
  expect(listTensorFlowTests(folder)).toEqual(found);
  expect(excludeArguments(found.slice(1))).toEqual(['--exclude', found[1], '--exclude', found[2]]);
});

it('leaves out what compiles graphs, and keeps the gradients of the ops', () => {
  const found = listTensorFlowTests(ROOT);
  expect(found).toContain('test/unit/engine/compile/compiled-equals-eager.test.ts');
  expect(found).toContain('test/recipe/wasm-beside-tensorflow.test.ts');
  expect(found).not.toContain('test/unit/engine/ops/gradients.test.ts');
  expect(found).not.toContain('test/recipe/wasm-engine.test.ts');
});
