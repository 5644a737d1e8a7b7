/**
 * @file Reads what a wheel says it needs (core metadata, `Requires-Dist` lines, PEP 566 and PEP 508).
 */

/**
 * The requirements of one dependency group of a wheel.
 * @param {string} metadata text of the METADATA file
 * @param {string} extra name of the group, for instance `and-cuda`
 * @returns {string[]} as pip takes them: `nvidia-cublas-cu12<13.0,>=12.5.3.2`
 * @throws {Error} where the group needs more than its name as a condition: then our reading would be a guess
 */
export function requirementsOfExtra(metadata, extra) {
  const headers = metadata.split(/\r?\n\r?\n/, 1)[0] ?? '';
  const requirements = [];
  for (const [, text = ''] of headers.matchAll(/^Requires-Dist:\s*(.+?)\s*$/gim)) {
    const [requirement = '', marker = ''] = text.split(';', 2).map((part) => part.trim());
    const named = /\bextra\s*==\s*["']([^"']+)["']/.exec(marker)?.[1];
    if (named !== extra) continue;
    if (!/^extra\s*==\s*["'][^"']+["']$/.test(marker)) {
      throw new Error(`internal: cannot read the condition of ${requirement}: ${marker}`);
    }
    requirements.push(requirement.replace(/\s*\(([^)]*)\)$/, '$1').replaceAll(' ', ''));
  }
  return requirements;
}
