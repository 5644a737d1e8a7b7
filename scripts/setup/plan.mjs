/**
 * @file What a set-up would fetch, without fetching it.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { formatBytes } from './disk-space.mjs';
import { cacheRoot } from './paths.mjs';
import { runtimeSpec } from './runtime-spec.mjs';
import { runtimeFolder } from './tensorflow-runtime.mjs';
import { requirementsOfExtra } from './wheel-metadata.mjs';
import { pipDownloadArgs } from './wheels.mjs';

/**
 * @param {{cuda?: boolean}} options
 * @returns {Promise<string>} text for a person
 */
export async function describePlan({ cuda = false }) {
  const spec = runtimeSpec(cuda ? 'cuda' : 'cpu');
  if (!spec) return `No TensorFlow runtime for ${process.platform} ${process.arch}: nothing would be fetched.`;
  const target = runtimeFolder(cacheRoot(), spec);
  const lines = [
    `Would install into ${target}`,
    `Free disk space needed: ${formatBytes(spec.diskBytes)}`,
    'Would fetch:',
    `  ${spec.requirement}${spec.downloadBytes ? ` (${formatBytes(spec.downloadBytes)})` : ''}`,
    ...(spec.extra ? await describeExtra(spec.extra) : []),
    'With:',
    `  python3 ${pipDownloadArgs(spec, [spec.requirement], `${target}/wheels`).join(' ')}`,
  ];
  return lines.join('\n');
}

/**
 * The CPU wheel of the same version lists the same group, so an installed CPU runtime can tell it.
 * @param {string} extra
 */
async function describeExtra(extra) {
  const cpu = runtimeSpec('cpu');
  const metadata =
    cpu && (await readFile(path.join(runtimeFolder(cacheRoot(), cpu), 'METADATA'), 'utf8').catch(() => null));
  if (!metadata) return [`  and the wheels that its METADATA lists under ${extra}`];
  return requirementsOfExtra(metadata, extra).map((requirement) => `  ${requirement}`);
}
