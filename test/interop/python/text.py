"""Tokenizers trained on text made here, and the token ids and chat texts transformers gets from a tokenizer folder."""

import base64
import json
import os
import random

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

CHARSMAP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "golden", "fixtures", "charsmap.json")
WORDS = (
    "river stone window garden market signal copper winter ladder orange silver thunder paper bridge candle forest "
    "meadow harbor engine pocket mirror basket anchor feather whistle blanket compass lantern puzzle saddle"
).split()

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] | trim }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


def training_text(seed=0, lines=2000):
    """English-like lines with numbers, accents and a little of other scripts, so that each tokenizer learns merges of all of them."""
    source = random.Random(seed)
    extras = ["café", "naïve", "Zürich", "Привет", "мир", "東京", "こんにちは", "مرحبا", "for (i = 0; i < n; i++)", "{'a': 1}", "😀", "don't"]
    for _ in range(lines):
        words = [source.choice(WORDS) for _ in range(source.randint(3, 12))]
        if source.random() < 0.4:
            words.insert(source.randrange(len(words)), source.choice(extras))
        if source.random() < 0.3:
            words.append(str(source.randint(0, 99999)))
        yield " ".join(words).capitalize() + source.choice([".", "!", "?", ":", ""])


def byte_level_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "</s>", "<pad>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1000, special_tokens=specials, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(training_text(), trainer)
    return tokenizer, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=1000, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(training_text(), trainer)
    ids = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ids
    )
    named = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    return tokenizer, {**named, "bos_token": "[CLS]", "eos_token": "[SEP]"}


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=1000, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(training_text(), trainer)
    end = ("</s>", tokenizer.token_to_id("</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[end])
    return tokenizer, {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "</s>"}


def t5():
    """As transformers makes T5's: SentencePiece's own normalization, words without the kind of space before them, sentinels."""
    with open(CHARSMAP, encoding="utf-8") as file:
        charsmap = base64.b64decode(json.load(file)["charsmap"])
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Precompiled(charsmap)
    metaspace = {"replacement": "▁", "prepend_scheme": "always", "split": True}
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**metaspace)])
    tokenizer.decoder = decoders.Metaspace(**metaspace)
    sentinels = [f"<extra_id_{number}>" for number in range(99, -1, -1)]
    trainer = trainers.UnigramTrainer(
        vocab_size=1000, special_tokens=["<pad>", "</s>", "<unk>", *sentinels], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(training_text(), trainer)
    end = ("</s>", tokenizer.token_to_id("</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[end])
    return tokenizer, {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def unigram_bytes():
    """Like a Llama-style SentencePiece model, but Unigram: unknown characters become their bytes, nothing splits words."""
    tokenizer, named = unigram()
    model = json.loads(tokenizer.to_str())["model"]
    pieces = [(piece, score) for piece, score in model["vocab"]]
    pieces += [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    tokenizer.model = models.Unigram(pieces, unk_id=model["unk_id"], byte_fallback=True)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer, named


KINDS = {"byte_level_bpe": byte_level_bpe, "word_piece": word_piece, "unigram": unigram, "t5": t5, "unigram_bytes": unigram_bytes}


def make_tokenizer(folder, kind):
    tokenizer, named = KINDS[kind]()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
    wrapped.chat_template = CHAT_TEMPLATE
    wrapped.save_pretrained(folder)
    return {"size": len(wrapped)}


def encode_texts(folder, texts):
    """Ids of each text, with and without the special tokens the tokenizer adds, and the text decoded from the latter."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    plain = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    return {
        "with_specials": [tokenizer(text)["input_ids"] for text in texts],
        "plain": plain,
        "decoded": [tokenizer.decode(ids, skip_special_tokens=True) for ids in plain],
    }


def render_chats(folder, chats):
    """The text of each conversation, whole and with the prompt for the next answer."""
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def render(chat, prompt):
        return tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=prompt)

    return {"whole": [render(chat, False) for chat in chats], "prompt": [render(chat, True) for chat in chats]}
