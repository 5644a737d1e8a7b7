/**
 * @file Refuses to start a run that the disk cannot hold.
 */
import { formatBytes, freeBytesOf } from '../../scripts/setup/disk-space.mjs';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { SPARE_DISK_BYTES } from './limits.ts';

/**
 * @param folder need not exist: then the folder that it would be made in counts
 * @throws disk/no-space where fewer than `bytes` and a little spare are free
 */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const freeBytes = await freeBytesOf(folder);
  const neededBytes = bytes + SPARE_DISK_BYTES;
  if (freeBytes >= neededBytes) return;
  const [needed, free] = [formatBytes(neededBytes), formatBytes(freeBytes)];
  throw new AppError('disk/no-space', `${folder}: the run needs ${needed} of disk space, ${free} are free`, {
    hint: 'Free some space, choose an output folder on another disk, or keep fewer checkpoints (training.save_total_limit).',
    faults: [{ file: folder, message: `${free} free, ${needed} needed` }],
  });
}
