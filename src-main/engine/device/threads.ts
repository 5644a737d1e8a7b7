/**
 * @file How many threads may compute, all ops of a process together.
 */
import { availableParallelism } from 'node:os';

const asked = Number(process.env['TF_NUM_INTRAOP_THREADS']);

/** Cores that this process may use, or as many as the user told TensorFlow (TF_NUM_INTRAOP_THREADS) when it began. */
export const usableThreads = (): number => (Number.isInteger(asked) && asked > 0 ? asked : availableParallelism());
