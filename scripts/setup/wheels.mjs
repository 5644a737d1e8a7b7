/**
 * @file Fetches wheels with pip and unpacks the parts that are wanted.
 *
 * pip chooses mirror, proxy and certificates as the user has set them, and checks the index's hashes. Its temporary files are
 * kept beside the target: /tmp is often a small memory disk, and their growth is the only progress that every pip version shows.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { diskFull, lastLines, SetupError } from './failure.mjs';
import { formatBytes } from './disk-space.mjs';
import { runCommand } from './run-command.mjs';

/**
 * @typedef {object} SetupContext
 * @property {string} root the clone
 * @property {string} cache
 * @property {import('./progress.mjs').Reporter} reporter
 * @property {AbortSignal} signal
 * @property {import('./lock.mjs').HeldLock} lock
 */

const UNPACK_SCRIPT = fileURLToPath(new URL('./unpack_wheel.py', import.meta.url));
const POLL_MS = 500;
const NETWORK_FAULT =
  /NewConnectionError|ConnectTimeout|ReadTimeout|ConnectionReset|ProxyError|SSLError|name resolution|getaddrinfo|Network is unreachable|Max retries exceeded|timed out|connection broken/i;

/**
 * The pip arguments that fetch wheels for the runtime, whatever Python the host has.
 * @param {import('./runtime-spec.mjs').RuntimeSpec} spec
 * @param {string[]} requirements
 * @param {string} folder
 */
export function pipDownloadArgs(spec, requirements, folder) {
  const target = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'];
  const platforms = spec.pipPlatforms.flatMap((tag) => ['--platform', tag]);
  const quiet = ['--no-input', '--disable-pip-version-check', '--progress-bar', 'off'];
  return [
    '-m',
    'pip',
    'download',
    ...quiet,
    '--only-binary=:all:',
    ...target,
    ...platforms,
    '--no-deps',
    '-d',
    folder,
    ...requirements,
  ];
}

/**
 * Downloads wheels into a folder.
 * @param {SetupContext} context
 * @param {import('./progress.mjs').Stage} stage
 * @param {{python: string, spec: import('./runtime-spec.mjs').RuntimeSpec, requirements: string[], folder: string, totalBytes: number}} what
 * @returns {Promise<string[]>} absolute paths of the wheels
 * @throws {SetupError} setup/network, setup/disk-full, setup/download
 */
export async function downloadWheels({ signal, lock }, stage, { python, spec, requirements, folder, totalBytes }) {
  const temporary = `${folder}.part`;
  await mkdir(folder, { recursive: true });
  await mkdir(temporary, { recursive: true });
  const label = totalBytes > 0 ? `downloading ${formatBytes(totalBytes)}` : 'downloading';
  stage.update(totalBytes > 0 ? 0 : null, label);
  const timer = setInterval(() => {
    void largestFileBytes([folder, temporary]).then((bytes) => {
      if (totalBytes > 0) stage.update(Math.min(bytes / totalBytes, 0.99), label);
      else stage.update(null, `downloading, ${formatBytes(bytes)}`);
    });
  }, POLL_MS);
  try {
    const env = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary, PYTHONUNBUFFERED: '1' };
    const result = await runCommand(python, pipDownloadArgs(spec, requirements, folder), { env, signal, lock });
    if (result.code !== 0) throw explainPipFailure(result, requirements, folder);
  } finally {
    clearInterval(timer);
    await rm(temporary, { recursive: true, force: true });
  }
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.whl')).map((name) => path.join(folder, name));
}

/**
 * Unpacks the entries of a wheel that start with one of the prefixes.
 * @param {SetupContext} context
 * @param {import('./progress.mjs').Stage} stage
 * @param {{python: string, wheel: string, target: string, sha256: string, prefixes: string[]}} what sha256 '' = not pinned
 */
export async function unpackWheel({ signal, lock }, stage, { python, wheel, target, sha256, prefixes }) {
  stage.update(0, 'unpacking');
  const result = await runCommand(python, ['-I', UNPACK_SCRIPT, wheel, target, sha256 || '-', ...prefixes], {
    signal,
    lock,
    onLine(line) {
      const [word, done, total] = line.split(' ');
      if (word === 'progress') stage.update(Number(done) / Number(total), 'unpacking');
    },
  });
  if (result.code === 0) return;
  const detail = lastLines(result.stderr);
  if (result.code === 5) throw diskFull(target, { detail });
  const message =
    result.code === 4 ? `${path.basename(wheel)} arrived damaged.` : `${path.basename(wheel)} could not be unpacked.`;
  const fix = "Run the same command again. If it repeats, clear pip's cache first: python3 -m pip cache purge";
  throw new SetupError('setup/unpack', message, fix, { detail });
}

/**
 * @param {import('./run-command.mjs').CommandResult} result
 * @param {string[]} requirements
 * @param {string} folder
 */
function explainPipFailure({ stdout, stderr, code }, requirements, folder) {
  const output = `${stdout}\n${stderr}`;
  const detail = lastLines(stderr || stdout);
  if (/No space left on device|Errno 28|Disk quota exceeded/i.test(output)) return diskFull(folder, { detail });
  const withoutTensorFlow = 'Without TensorFlow (small models only): set TUNESMITH_ENGINE=wasm.';
  if (NETWORK_FAULT.test(output)) {
    return new SetupError(
      'setup/network',
      `pip could not reach the package index to fetch ${requirements[0]}.`,
      `Check the network (behind a proxy: export HTTPS_PROXY=http://host:port), then run the same command again. ${withoutTensorFlow}`,
      { detail },
    );
  }
  return new SetupError(
    'setup/download',
    `pip could not fetch ${requirements[0]} (exit code ${code}).`,
    `See what pip says: python3 -m pip download --no-deps --only-binary=:all: ${requirements[0]}. ${withoutTensorFlow}`,
    { detail },
  );
}

/**
 * Size of the largest file below some folders: the wheel that pip is writing.
 * @param {string[]} folders
 */
async function largestFileBytes(folders) {
  let largest = 0;
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true }).catch(() => []);
    for (const entry of entries) {
      const found = await stat(path.join(folder, entry)).catch(() => null);
      if (found?.isFile()) largest = Math.max(largest, found.size);
    }
  }
  return largest;
}
