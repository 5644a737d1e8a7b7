/**
 * @file Which test files are called: on a machine without TensorFlow those that compare with it or need its graphs are not. Which they
 * are is asked of the files themselves: all that import test/support/tensorflow.ts, directly or through other files of the tests.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const MARK = path.join('test', 'support', 'tensorflow.ts');
const IMPORT = /\bfrom\s+'(\.[^']+)'|\bimport\s+'(\.[^']+)'/g;

/**
 * Test files that need TensorFlow.
 * @param {string} root the clone
 * @returns {string[]} paths from the root, in order
 */
export function listTensorFlowTests(root) {
  const tests = path.join(root, 'test');
  return readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => listImports(path.join(tests, name), tests).has(path.join(root, MARK)))
    .map((name) => `test/${name.replaceAll(path.sep, '/')}`)
    .sort();
}

/**
 * A file and all that it imports, directly or not.
 * @param {string} file
 * @param {string} folder imports of other folders are not followed
 * @param {Set<string>} [found]
 */
function listImports(file, folder, found = new Set()) {
  const isNew = !found.has(file) && file.startsWith(folder + path.sep);
  if (!isNew || !statSync(file, { throwIfNoEntry: false })?.isFile()) return found;
  found.add(file);
  for (const [, from, alone] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    listImports(path.resolve(path.dirname(file), from ?? alone ?? ''), folder, found);
  }
  return found;
}

/**
 * Arguments for vitest that leave these files out.
 * @param {readonly string[]} files
 */
export function excludeArguments(files) {
  return files.flatMap((file) => ['--exclude', file]);
}
