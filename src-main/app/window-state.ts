/**
 * @file Where the window was when it was last closed, so that it opens there again, unless that place is no longer on a screen.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

export interface WindowPlace {
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
  readonly isMaximized: boolean;
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const placeSchema = z.object({
  x: z.int(),
  y: z.int(),
  width: z.int().min(400),
  height: z.int().min(300),
  isMaximized: z.boolean(),
});

const FIRST_PLACE: WindowPlace = { width: 1280, height: 840, isMaximized: false };
/** This much of the title bar must be on a screen, or nobody could drag the window back. */
const LEAST_VISIBLE = 100;

/** @param screens areas where windows can be */
export function readWindowPlace(file: string, screens: readonly Area[]): WindowPlace {
  const stored = placeSchema.safeParse(readJson(file));
  if (!stored.success) return FIRST_PLACE;
  const place = stored.data;
  if (screens.some((screen) => isReachable(place, screen))) return place;
  const { width, height, isMaximized } = place;
  return { width, height, isMaximized };
}

/** A place that cannot be kept is no reason to bother anybody. @returns false then */
export function writeWindowPlace(file: string, place: Required<WindowPlace>): boolean {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(place)}\n`);
    return true;
  } catch {
    return false;
  }
}

function isReachable(place: Area, screen: Area): boolean {
  const across = Math.min(place.x + place.width, screen.x + screen.width) - Math.max(place.x, screen.x);
  const isBarOnScreen = place.y >= screen.y && place.y < screen.y + screen.height - LEAST_VISIBLE;
  return across >= LEAST_VISIBLE && isBarOnScreen;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null; // the first start, or a file torn by a crash: the usual place serves
  }
}
