"""A small normalization table of SentencePiece, and what Hugging Face's tokenizers make of texts with it, for
test/unit/engine/tokenizer/charsmap.test.ts. In an environment of its own: `pip install sentencepiece==0.2.3 protobuf tokenizers==0.23.3`, then
`python charsmap.py`. Writes ../fixtures/charsmap.json."""

import base64
import json
import os
import random
import tempfile
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import normalizers

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "charsmap.json")
WIDE = [*range(0xFF01, 0xFF5F), *range(0xFB00, 0xFB07), *range(0x2460, 0x2474), 0x2122, 0xB2, 0xBD]
SPACES = [0x9, 0xA, 0xD, 0xA0, 0x2003, 0x200B, 0x3000, 0xFEFF]
DELETED = [0x1, 0x7, 0x1F, 0x7F]


def rules():
    """Letters with marks that stand apart, wide forms, spaces of all kinds, control characters, and capitals of A to F."""
    for code in range(0xC0, 0x250):
        parts = unicodedata.normalize("NFD", chr(code))
        if len(parts) > 1:
            yield parts, chr(code)
    for code in WIDE:
        yield chr(code), unicodedata.normalize("NFKC", chr(code))
    for code in SPACES:
        yield chr(code), " "
    for code in DELETED:
        yield chr(code), ""
    for jamo in ("\u1100\u1161", "\u1100\u1161\u11a8", "\u1112\u1161\u11ab"):
        yield jamo, unicodedata.normalize("NFC", jamo)
    for code in range(0x41, 0x47):
        yield chr(code), chr(code + 32)


def make_charsmap(folder):
    table, corpus = os.path.join(folder, "rules.tsv"), os.path.join(folder, "corpus.txt")
    with open(table, "w", encoding="utf-8") as file:
        for source, target in rules():
            file.write("\t".join(" ".join(f"{ord(char):X}" for char in text) for text in (source, target)) + "\n")
    with open(corpus, "w", encoding="utf-8") as file:
        file.write("a few words to train on\n" * 20)
    prefix = os.path.join(folder, "model")
    sentencepiece.SentencePieceTrainer.train(
        input=corpus, model_prefix=prefix, vocab_size=16, normalization_rule_tsv=table, minloglevel=2
    )
    model = sentencepiece_model_pb2.ModelProto()
    with open(prefix + ".model", "rb") as file:
        model.ParseFromString(file.read())
    return model.normalizer_spec.precompiled_charsmap


def texts():
    source = random.Random(4)
    letters = [chr(code) for code in [*range(32, 127), *range(0xC0, 0x180), *WIDE, *SPACES, *DELETED]]
    marks = ["\u0301", "\u0308", "\u030a", "\u0327", "\u200d", "\ufe0f", "\u20dd"]
    whole = ["\r\n", "\u1100\u1161", "\u1112\u1161\u11ab", "👩\u200d👩\u200d👧", "🇳🇴", "\u0915\u094d\u0937", "\u0600a", "東京", "ＡＢ"]
    fixed = ["", "plain", "e\u0301", "\ufb01\u0301", "a\r\nb", "x\r", "CAFÉ Cafe\u0301", "Ｔｏｋｙｏ①"]
    for text in fixed:
        yield text
    for _ in range(500):
        yield "".join(source.choice(source.choice((letters, letters, marks, whole))) for _ in range(source.randint(1, 24)))


def main():
    with tempfile.TemporaryDirectory() as folder:
        charsmap = make_charsmap(folder)
    normalizer = normalizers.Precompiled(charsmap)
    cases = [[text, normalizer.normalize_str(text)] for text in texts()]
    with open(PATH, "w", encoding="utf-8") as file:
        json.dump({"charsmap": base64.b64encode(charsmap).decode(), "cases": cases}, file, indent=0)


if __name__ == "__main__":
    main()
