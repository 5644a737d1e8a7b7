/**
 * @file Refuses to start what the disk cannot hold.
 */
import { formatBytes, freeBytesOf } from '../../scripts/setup/disk-space.mjs';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { SPARE_DISK_BYTES } from './limits.ts';

export interface SpacePurpose {
  /** For the message: "the run". */
  readonly what: string;
  readonly hint: string;
}

const RUN: SpacePurpose = {
  what: 'the run',
  hint: 'Free some space, choose an output folder on another disk, or keep fewer checkpoints (training.save_total_limit).',
};

/**
 * @param folder need not exist: then the folder that it would be made in counts
 * @throws disk/no-space where fewer than `bytes` and a little spare are free
 */
export async function requireSpace(folder: string, bytes: number, purpose: SpacePurpose = RUN): Promise<void> {
  const freeBytes = await freeBytesOf(folder);
  const neededBytes = bytes + SPARE_DISK_BYTES;
  if (freeBytes >= neededBytes) return;
  const [needed, free] = [formatBytes(neededBytes), formatBytes(freeBytes)];
  throw new AppError('disk/no-space', `${folder}: ${purpose.what} needs ${needed} of disk space, ${free} are free`, {
    kind: 'environment',
    hint: purpose.hint,
    faults: [{ file: folder, message: `${free} free, ${needed} needed` }],
  });
}
