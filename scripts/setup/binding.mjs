/**
 * @file Builds the native binding: the C++ source inside @tensorflow/tfjs-node-gpu, against TensorFlow's own headers.
 *
 * No node-gyp: two files, one compiler call, Node-API headers from npm. The binding finds TensorFlow by `$ORIGIN/tensorflow`,
 * that is, beside itself, so a runtime folder can be moved.
 */
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { diskFull, lastLines } from './failure.mjs';
import { findNode24 } from './paths.mjs';
import { runCommand } from './run-command.mjs';
import { BINDING_FILE, bindingSourceFolder } from './runtime-record.mjs';

/** @typedef {import('./wheels.mjs').SetupContext} SetupContext */
/** @typedef {{version: string, gpu: boolean, node: string}} LoadedBinding */

const PROBE_SCRIPT = fileURLToPath(new URL('./probe-binding.mjs', import.meta.url));
const PROBE_TIMEOUT_MS = 60_000;

/**
 * Compiles and links `tfjs_binding.node` in a runtime folder that holds `tensorflow/`.
 * @param {SetupContext} context
 * @param {{dir: string, spec: import('./runtime-spec.mjs').RuntimeSpec, compiler: string}} what
 * @returns {Promise<string | null>} null, or the compiler's last lines
 */
export async function buildBinding({ root, signal, lock }, { dir, spec, compiler }) {
  const tensorflow = path.join(dir, 'tensorflow');
  for (const [name, library] of spec.links) {
    await symlink(library, path.join(tensorflow, name)).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  const args = compilerArgs({
    root,
    tensorflow,
    output: path.join(dir, BINDING_FILE),
    mac: spec.platform.startsWith('darwin'),
  });
  const result = await runCommand(compiler, args, { signal, lock });
  if (/No space left on device/.test(result.stderr)) throw diskFull(dir, { detail: lastLines(result.stderr) });
  return result.code === 0 ? null : lastLines(result.stderr, 12);
}

/**
 * @param {{root: string, tensorflow: string, output: string, mac: boolean}} paths
 * @returns {string[]}
 */
function compilerArgs({ root, tensorflow, output, mac }) {
  const source = bindingSourceFolder(root);
  return [
    '-O2',
    '-std=c++17',
    '-fPIC',
    ...(mac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']),
    '-w', // the package's own warnings are not ours to mend
    path.join(source, 'tfjs_backend.cc'),
    path.join(source, 'tfjs_binding.cc'),
    `-I${path.join(tensorflow, 'include')}`,
    `-I${path.join(root, 'node_modules', 'node-api-headers', 'include')}`,
    '-DNAPI_VERSION=8',
    `-L${tensorflow}`,
    '-ltensorflow_cc',
    '-ltensorflow_framework',
    `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}/tensorflow`,
    '-o',
    output,
  ];
}

/**
 * Loads the binding in a process of its own and multiplies two numbers.
 * @param {Pick<SetupContext, 'root' | 'signal'> & {lock?: SetupContext['lock']}} context
 * @param {string} dir folder of the runtime
 * @returns {Promise<LoadedBinding | {error: string}>} error: why it does not run here
 */
export async function probeBinding({ root, signal, lock }, dir) {
  const node = findNode24(root) ?? process.execPath;
  const result = await runCommand(node, [PROBE_SCRIPT, path.join(dir, BINDING_FILE)], {
    signal,
    lock,
    timeoutMs: PROBE_TIMEOUT_MS,
  });
  if (result.code === 0) {
    const found = JSON.parse(result.stdout);
    if (found.product === 6) return found;
    return { error: `2 x 3 came out as ${found.product}` };
  }
  const faults = result.stderr.split('\n').filter((line) => /Error:|cannot open|undefined symbol|not found/.test(line));
  const died = 'the process that loaded it was ended by the system (a CPU without AVX, or too little memory)';
  return { error: faults[0]?.trim() ?? (result.code === null ? died : lastLines(result.stderr, 2)) };
}
