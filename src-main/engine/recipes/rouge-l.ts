/**
 * @file ROUGE-L: how much of a wanted answer's words stand in the written one in the same order (Lin 2004), as the Python package
 * rouge_score computes it with its own tokenizer and without stemming: lower case, and words of the letters a to z and digits only. So texts
 * in other scripts have no words here and score 0.
 */

/** @returns the F measure, 0 to 1; 0 where one of the texts has no words */
export function rougeL(wanted: string, written: string): number {
  const [target, prediction] = [wordsOf(wanted), wordsOf(written)];
  const common = longestCommonLength(target, prediction);
  if (common === 0) return 0;
  const precision = common / prediction.length;
  const recall = common / target.length;
  return (2 * precision * recall) / (precision + recall);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** Length of the longest common subsequence, row by row of the usual table. */
function longestCommonLength(a: readonly string[], b: readonly string[]): number {
  let above = new Uint32Array(b.length + 1);
  let row = new Uint32Array(b.length + 1);
  for (const word of a) {
    for (const [index, other] of b.entries()) {
      row[index + 1] = word === other ? above[index]! + 1 : Math.max(above[index + 1]!, row[index]!);
    }
    [above, row] = [row, above];
  }
  return above[b.length]!;
}
