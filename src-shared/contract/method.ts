/**
 * @file What a method of the contract is: a schema for its one argument object, and the type of what it gives.
 */
import { z } from 'zod';

export interface Method<Args extends z.ZodType, Result> {
  readonly args: Args;
  /** For the compiler alone: results come from our own core and are not checked again. */
  readonly result?: Result;
}

/** `method<Result>()(schema)`; curried, because the schema's type is inferred and the result's is written. */
export function method<Result>(): <Args extends z.ZodType>(args: Args) => Method<Args, Result> {
  return (args) => ({ args });
}

export const none = z.strictObject({});
/** Never a path: the services take folders where they take ids of runs. */
export const id = z.string().regex(/^[^/\\]{1,200}$/, 'must be an id');
/** Absolute path, or one that core resolves; which paths are allowed is decided there. */
export const filePath = z.string().min(1).max(4096);
export const text = z.string().max(1_000_000);

/**
 * For work that wants the device for itself: true = a run that trains is saved, its memory freed, and it goes on afterwards; false = the
 * work is refused (device/busy) while one trains.
 */
export const pauseRunning = z.boolean().default(false);

/** A plain object whose inside is checked by the service that takes it, which then names all faults. */
export function objectOf<T extends object>() {
  return z.custom<T>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be an object',
  );
}
