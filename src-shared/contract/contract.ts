/**
 * @file The contract between the window and core: methods with checked arguments, typed results, and events.
 *
 * It is the same over Electron's IPC and over a WebSocket (messages.ts, client.ts). Arguments are checked in core; a method that is
 * forgotten there is a compile error.
 */
import type { z } from 'zod';
import { chatMethods } from './chat-methods.ts';
import { dataMethods } from './data-methods.ts';
import { desktopMethods } from './desktop-methods.ts';
import { hubMethods } from './hub-methods.ts';
import { machineMethods } from './machine-methods.ts';
import type { Method } from './method.ts';
import { runMethods } from './run-methods.ts';

/** Answered by core, in the app and in the browser. */
export const coreMethods = { ...machineMethods, ...dataMethods, ...hubMethods, ...runMethods, ...chatMethods } as const;
/** Answered by core or by Electron's main process. */
export const methods = { ...coreMethods, ...desktopMethods } as const;

export type CoreMethodName = keyof typeof coreMethods;
export type DesktopMethodName = keyof typeof desktopMethods;
export type MethodName = keyof typeof methods;

/** What a caller gives: fields with defaults may be left out. */
export type MethodInput<Name extends MethodName> = z.input<(typeof methods)[Name]['args']>;
/** What the method gets: defaults filled in. */
export type MethodArgs<Name extends MethodName> = z.output<(typeof methods)[Name]['args']>;
export type MethodResult<Name extends MethodName> =
  (typeof methods)[Name] extends Method<z.ZodType, infer Result> ? Result : never;

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(methods, name);
}

export function isDesktopMethod(name: string): name is DesktopMethodName {
  return Object.hasOwn(desktopMethods, name);
}
