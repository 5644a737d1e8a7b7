/**
 * @file The Python environment of the interop tests: PyTorch, transformers, PEFT and friends, the peers our numbers are compared with.
 *
 * The product never runs Python; only `npm run test:interop`, `npm run bench` and the scripts in test/golden/make do. The environment
 * lies in the Tunesmith cache, named after a hash of test/interop/python/requirements.txt, so every clone with the same pins shares it
 * and a changed pin makes a new one. Safe to interrupt and to start twice: a lock admits one builder, and an environment counts only
 * once its `ready` file is there.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeFailure, exitCodeOf, SetupError } from './setup/failure.mjs';
import { acquireLock } from './setup/lock.mjs';
import { cacheRoot, REPO_ROOT } from './setup/paths.mjs';
import { runCommand } from './setup/run-command.mjs';

const REQUIREMENTS = path.join(REPO_ROOT, 'test', 'interop', 'python', 'requirements.txt');
/** transformers 5 needs it. */
const OLDEST_PYTHON = '3.10';

/**
 * Gives the path of a Python that has the pinned peers, making its environment first where it is missing (1.5 GB, a few minutes).
 * @param {(line: string) => void} [report] takes progress lines
 * @returns {Promise<string>}
 * @throws {SetupError} where python3, its venv module or a package is missing
 */
export async function ensurePythonEnv(report = (line) => process.stderr.write(`${line}\n`)) {
  const requirements = readFileSync(REQUIREMENTS, 'utf8');
  const folder = envFolder(requirements);
  const python = path.join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const isReady = () => existsSync(path.join(folder, 'ready')) && existsSync(python);
  if (isReady()) return python;
  const lock = await acquireLock(`${folder}.lock`, { onWait: report, signal: new AbortController().signal });
  try {
    if (!isReady()) await build(folder, python, requirements, { lock, report });
  } finally {
    lock.release();
  }
  return python;
}

/** @param {string} requirements text of the pins */
function envFolder(requirements) {
  const hash = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  return path.join(cacheRoot(), `python-env-${hash}`);
}

/**
 * @param {string} folder
 * @param {string} python
 * @param {string} requirements
 * @param {{lock: import('./setup/lock.mjs').HeldLock, report: (line: string) => void}} context
 */
async function build(folder, python, requirements, { lock, report }) {
  rmSync(folder, { recursive: true, force: true });
  report(`Making the Python environment of the interop tests in ${folder}`);
  await makeVenv(folder, lock);
  const pins = requirements.split('\n').filter((line) => line.trim() !== '');
  // PyTorch comes first and alone: the packages after it then find it there instead of choosing a build of their own.
  for (const batch of [pins.slice(0, 1), pins.slice(1)]) {
    report(`  pip install ${batch.join(' ')}`);
    const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...batch];
    const { code, stderr } = await runCommand(python, args, { lock });
    if (code !== 0) {
      const message = `pip could not install ${batch.join(' ')}`;
      throw new SetupError('setup/pip-failed', message, 'See what pip says above, then run the same command again.', {
        detail: lastLines(stderr),
      });
    }
  }
  writeFileSync(path.join(folder, 'ready'), requirements);
}

/**
 * @param {string} folder
 * @param {import('./setup/lock.mjs').HeldLock} lock
 */
async function makeVenv(folder, lock) {
  const { code, stdout, stderr } = await runCommand(await hostPython(), ['-m', 'venv', folder], { lock });
  if (code === 0) return;
  rmSync(folder, { recursive: true, force: true });
  const fix = 'Debian and Ubuntu: apt-get install python3-venv python3-pip';
  throw new SetupError('setup/no-venv', '"python3 -m venv" does not work here', fix, {
    detail: lastLines(stdout + stderr),
  });
}

async function hostPython() {
  const [major, minor] = OLDEST_PYTHON.split('.');
  const check = `import sys; sys.exit(sys.version_info < (${major}, ${minor}))`;
  for (const name of ['python3', 'python']) {
    if ((await runCommand(name, ['-c', check])).code === 0) return name;
  }
  const fix = 'Debian and Ubuntu: apt-get install python3 python3-venv python3-pip';
  const message = `The interop tests need Python ${OLDEST_PYTHON} or newer; none was found as python3 or python`;
  throw new SetupError('setup/no-python', message, fix);
}

/** @param {string} text */
function lastLines(text) {
  return text.trim().split('\n').slice(-12).join('\n');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.stdout.write(`${await ensurePythonEnv()}\n`);
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
