/**
 * @file Cells of a workbook's first sheet that show something to a person but hold no value for us: errors of formulas, and formulas
 * whose result was never stored (files that a program wrote). The library gives both as empty.
 */
import type { ZipParts } from './zip-parts.ts';

/** Row number (1-based) -> what its first such cell holds. */
export function findLostCells(parts: ZipParts): ReadonlyMap<number, string> {
  const lost = new Map<number, string>();
  const sheet = parts.get(firstSheetPath(parts));
  if (sheet === undefined) return lost;
  for (const [, attributes, content] of sheet.toString('latin1').matchAll(CELL)) {
    const [, column, row] = /\sr\s*=\s*["']([A-Z]+)(\d+)["']/.exec(attributes!) ?? [];
    const type = /\st\s*=\s*["'](\w+)["']/.exec(attributes!)?.[1];
    if (row === undefined || lost.has(Number(row))) continue;
    const value = /<(?:\w+:)?v(?:\s[^>]*)?>([^<]+)</.exec(content!)?.[1];
    const isFormula = /<(?:\w+:)?f[\s>/]/.test(content!);
    if (type === 'e') lost.set(Number(row), `cell ${column}${row} holds the error ${value ?? ''}`.trim());
    else if (isFormula && value === undefined && type !== 'str') {
      lost.set(Number(row), `cell ${column}${row} is a formula whose result is not stored in the file`);
    }
  }
  return lost;
}

/** A cell with content. */
const CELL = /<(?:\w+:)?c(\s[^>]*[^/>])>([\s\S]*?)<\/(?:\w+:)?c>/g;

/** By the workbook's list of sheets and its relations; the usual name where they do not say. */
function firstSheetPath(parts: ZipParts): string {
  const text = (name: string): string => parts.get(name)?.toString('utf8') ?? '';
  const id = /<(?:\w+:)?sheet\s[^>]*?\s(?:\w+:)?id\s*=\s*["']([^"']+)["']/.exec(text('xl/workbook.xml'))?.[1];
  const relations = text('xl/_rels/workbook.xml.rels').match(/<Relationship\s[^>]*>/g) ?? [];
  const relation = relations.find((element) => /\sId\s*=\s*["']([^"']+)["']/.exec(element)?.[1] === id);
  const target = relation && /\sTarget\s*=\s*["']([^"']+)["']/.exec(relation)?.[1];
  if (!target) return 'xl/worksheets/sheet1.xml';
  return target.startsWith('/') ? target.slice(1) : `xl/${target}`;
}
