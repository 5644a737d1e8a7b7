/**
 * @file The times and sizes that jobs are held to.
 */

/** How long a job may go on after its parent is gone, to save its last checkpoint. */
export const PARENT_GRACE_MS = 10_000;

/** Free space below which a run is not even started: its events, its lock, the history. */
export const SPARE_DISK_BYTES = 16e6;
