/**
 * @file The two things that must be on the machine for TensorFlow: Python with pip (it fetches the wheel) and a C++ compiler.
 *
 * Without them the app still works, on the wasm engine; so a missing tool is an answer here, not an error.
 */
import { readFile } from 'node:fs/promises';
import { runCommand } from './run-command.mjs';

/** @typedef {{python: string, compiler: string, compilerVersion: string}} BuildTools */
/** @typedef {{reason: string, fix: string}} Shortfall */
/** @typedef {'python' | 'pip' | 'compiler'} Piece */

/** What installs each piece, by family of system. */
const INSTALL = {
  debian: { prefix: 'sudo apt-get install -y', python: 'python3', pip: 'python3-pip', compiler: 'g++' },
  fedora: { prefix: 'sudo dnf install -y', python: 'python3', pip: 'python3-pip', compiler: 'gcc-c++' },
  suse: { prefix: 'sudo zypper install -y', python: 'python3', pip: 'python3-pip', compiler: 'gcc-c++' },
  arch: { prefix: 'sudo pacman -S --needed', python: 'python', pip: 'python-pip', compiler: 'gcc' },
};

const NAMES = { python: 'Python 3', pip: 'pip for Python 3', compiler: 'a C++ compiler (g++ or clang++)' };

/**
 * Looks for both at once, so that one message names all that is missing.
 * @param {AbortSignal} [signal]
 * @returns {Promise<BuildTools | Shortfall>}
 */
export async function findBuildTools(signal) {
  const [python, compiler] = await Promise.all([findPython(signal), findCompiler(signal)]);
  /** @type {Piece[]} */
  const missing = [];
  if (python.file === null) missing.push('python', 'pip');
  else if (!python.hasPip) missing.push('pip');
  if (compiler === null) missing.push('compiler');
  if (missing.length > 0 || python.file === null || compiler === null)
    return describeShortfall(missing, await systemFamily());
  return { python: python.file, compiler: compiler.file, compilerVersion: compiler.version };
}

/**
 * @param {BuildTools | Shortfall} answer
 * @returns {answer is Shortfall}
 */
export function isShortfall(answer) {
  return 'reason' in answer;
}

/** @param {AbortSignal} [signal] */
async function findPython(signal) {
  let withoutPip = null;
  for (const file of ['python3', 'python']) {
    const version = await runCommand(file, ['--version'], { signal });
    if (version.code !== 0 || !/^Python 3\./.test(version.stdout)) continue;
    const pip = await runCommand(file, ['-m', 'pip', '--version'], { signal });
    if (pip.code === 0) return { file, hasPip: true };
    withoutPip ??= file;
  }
  return { file: withoutPip, hasPip: false };
}

/** @param {AbortSignal} [signal] */
async function findCompiler(signal) {
  for (const file of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    if (!file) continue;
    const result = await runCommand(file, ['--version'], { signal });
    if (result.code === 0) return { file, version: (result.stdout.split('\n')[0] ?? '').trim() };
  }
  return null;
}

/**
 * @param {Piece[]} missing
 * @param {keyof typeof INSTALL | 'mac' | 'unknown'} family
 * @returns {Shortfall}
 */
export function describeShortfall(missing, family) {
  const named = missing.filter((piece) => !(piece === 'pip' && missing.includes('python')));
  const reason = `${named.map((piece) => NAMES[piece]).join(' and ')} ${named.length > 1 ? 'are' : 'is'} missing`;
  if (family === 'mac') {
    const steps = [
      missing.includes('compiler') ? 'xcode-select --install' : '',
      missing.includes('pip') ? 'brew install python' : '',
    ];
    return { reason, fix: steps.filter(Boolean).join(' && ') };
  }
  if (family !== 'unknown') return { reason, fix: installCommand(missing, family) };
  return {
    reason,
    fix: `${installCommand(missing, 'debian')} (Debian, Ubuntu) or ${installCommand(missing, 'fedora')} (Fedora)`,
  };
}

/**
 * @param {Piece[]} missing
 * @param {keyof typeof INSTALL} family
 */
function installCommand(missing, family) {
  const names = INSTALL[family];
  return `${names.prefix} ${missing.map((piece) => names[piece]).join(' ')}`;
}

/** @returns {Promise<keyof typeof INSTALL | 'mac' | 'unknown'>} from os-release(5) */
async function systemFamily() {
  if (process.platform === 'darwin') return 'mac';
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const ids = [...text.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].map((match) => match[1]).join(' ');
  if (/debian|ubuntu/.test(ids)) return 'debian';
  if (/fedora|rhel|centos/.test(ids)) return 'fedora';
  if (/suse/.test(ids)) return 'suse';
  return /arch/.test(ids) ? 'arch' : 'unknown';
}
