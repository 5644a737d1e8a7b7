/**
 * @file How many threads may compute, and how they are shared between ops that run side by side.
 */
import { availableParallelism } from 'node:os';

const asked = Number(process.env['TF_NUM_INTRAOP_THREADS']);

/** Cores that this process may use, or as many as the user told TensorFlow (TF_NUM_INTRAOP_THREADS) when it began. */
export const usableThreads = (): number => (Number.isInteger(asked) && asked > 0 ? asked : availableParallelism());
