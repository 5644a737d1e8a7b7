"""ROUGE-L of pairs of texts, from the package rouge_score 0.1.2 (in an environment of its own: `pip install rouge_score==0.1.2`)."""

import json
import pathlib
import random

from rouge_score import rouge_scorer

WORDS = "order blue umbrella round london paris 11 two x1 the of Über naïve don't é 東京 ---".split()
FIXED = [
    ("", ""),
    ("", "a word"),
    ("a word", ""),
    ("The quick fox, 12!", "quick brown fox 12"),
    ("a b c d e f g", "g f e d c b a"),
    ("word_with_underscore and-hyphen", "word with underscore and hyphen"),
    ("İstanbul K 5 ſ", "istanbul k 5 s"),
    ("line\nbreak\ttab", "line break tab"),
    ("東京", "東京"),
    ("same same same", "same same"),
]


def main():
    source = random.Random(3)
    text = lambda: " ".join(source.choice(WORDS) for _ in range(source.randint(1, 25)))
    pairs = FIXED + [(text(), text()) for _ in range(190)]
    scorer = rouge_scorer.RougeScorer(["rougeL"])
    rows = [[a, b, scorer.score(a, b)["rougeL"].fmeasure] for a, b in pairs]
    out = pathlib.Path(__file__).parent.parent / "fixtures" / "rouge.json"
    out.write_text(json.dumps(rows, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
