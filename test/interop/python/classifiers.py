"""Classifiers and masked language models of transformers: random ones, their logits, and loss traces of the Trainer with PEFT."""

import json
import tempfile

import torch
from models import DTYPES, randomize
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from safetensors.torch import save_file
from training import StepWatcher, WatchedTrainer, make_optimizer, training_arguments
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
)

HEADS = {
    "classes": AutoModelForSequenceClassification,
    "masked": AutoModelForMaskedLM,
    "words": AutoModelForCausalLM,
    "none": AutoModel,
}


def make_headed_model(folder, model_type, config, head="classes", seed=0, dtype="f32", max_shard_size="5GB"):
    """A random model with a head of the given kind, or without one."""
    settings = AutoConfig.for_model(model_type, **config)
    model = HEADS[head].from_config(settings, attn_implementation="eager")
    randomize(model, seed)
    model.to(DTYPES[dtype])
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    return {"names": sorted(name for name, _ in model.named_parameters())}


def load_headed(folder, head="classes", dtype="f32", **config):
    settings = {"dtype": DTYPES[dtype], "attn_implementation": "eager", **config}
    return HEADS[head].from_pretrained(folder, **settings).eval()


def scores(model, tokens):
    with torch.no_grad():
        return model(input_ids=torch.tensor([tokens])).logits.float()


def headed_logits(folder, tokens, out, head="classes", dtype="f32"):
    """[1, labels] of a classifier, [seq, vocab] of a masked language model."""
    logits = scores(load_headed(folder, head, dtype), tokens)
    logits = (logits if head == "classes" else logits[0]).contiguous()
    save_file({"logits": logits}, out)
    return {"largest": logits.abs().max().item()}


def make_class_adapter(model, folder, peft, seed=1, head_config=None, random_b=True):
    """An adapter as PEFT makes one for a classifier, B and head random; `head_config` gives a base model its head."""
    wrapped = get_peft_model(
        load_headed(model, **(head_config or {})), LoraConfig(task_type=TaskType.SEQ_CLS, lora_dropout=0.0, **peft)
    )
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if not random_b:
                continue
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
            elif "modules_to_save" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    wrapped.save_pretrained(folder)
    return {
        "trainable": sum(p.numel() for p in wrapped.parameters() if p.requires_grad),
        "targets": sorted(wrapped.peft_config["default"].target_modules),
    }


def class_adapter_logits(model, folder, tokens, out, head_config=None):
    """Logits of base + adapter as PEFT loads it."""
    base = load_headed(model, **(head_config or {}))
    before = scores(base, tokens)
    logits = scores(PeftModel.from_pretrained(base, folder).eval(), tokens)
    save_file({"logits": logits.contiguous()}, out)
    return {"change_from_base": (logits - before).abs().max().item()}


def read_texts(path, tokenizer, labels, problem_type):
    """Rows of text and label as the Trainer wants them."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            rows.append({"input_ids": tokenizer(row["text"])["input_ids"], "label": row["label"]})
    for row in rows:
        if problem_type == "single_label_classification":
            row["target"] = labels.index(str(row["label"]))
        elif problem_type == "multi_label_classification":
            row["target"] = [1.0 if name in row["label"] else 0.0 for name in labels]
        else:
            row["target"] = [float(row["label"])]
    return rows


def padded(pad):
    def collate(rows):
        length = max(len(row["input_ids"]) for row in rows)
        ids = [row["input_ids"] + [pad] * (length - len(row["input_ids"])) for row in rows]
        mask = [[1] * len(row["input_ids"]) + [0] * (length - len(row["input_ids"])) for row in rows]
        return {
            "input_ids": torch.tensor(ids),
            "attention_mask": torch.tensor(mask),
            "labels": torch.tensor([row["target"] for row in rows]),
        }

    return collate


def train_classifier(model, rows, labels, problem_type, training, adapter, head_config=None, save=None, held_out=None):
    """Trains the adapter on rows of text and gives loss, learning rate and gradient norm of every step; accuracy where rows are held out."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
    settings = {"problem_type": problem_type, **(head_config or {})}
    network = PeftModel.from_pretrained(load_headed(model, **settings), adapter, is_trainable=True)
    data = read_texts(rows, tokenizer, labels, problem_type)
    collate = padded(tokenizer.pad_token_id or 0)
    torch.manual_seed(training.get("seed", 42))
    watcher = StepWatcher()
    with tempfile.TemporaryDirectory() as folder:
        trainer = WatchedTrainer(
            model=network,
            args=training_arguments(training, folder, False),
            train_dataset=data,
            data_collator=collate,
            callbacks=[watcher],
            optimizers=(make_optimizer(network, training), None),
        )
        watcher.trainer = trainer
        trainer.train()
    result = dict(trainer.trace)
    if save is not None:
        network.save_pretrained(save)
    if held_out is not None:
        result["accuracy"] = accuracy_of(network.eval(), read_texts(held_out, tokenizer, labels, problem_type), collate)
    return result


def accuracy_of(network, rows, collate):
    right = 0
    with torch.no_grad():
        for start in range(0, len(rows), 16):
            batch = collate(rows[start : start + 16])
            targets = batch.pop("labels")
            right += (network(**batch).logits.argmax(-1) == targets).sum().item()
    return right / len(rows)


def masked_loss(folder, tokens, labels):
    """Mean loss of the masked places, and the share of them that is found: rows of token ids, and labels with -100 elsewhere."""
    model = load_headed(folder, "masked")
    total, count, found = 0.0, 0, 0
    with torch.no_grad():
        for row, wanted in zip(tokens, labels):
            target = torch.tensor([wanted])
            result = model(input_ids=torch.tensor([row]), labels=target)
            masked = target != -100
            total += result.loss.item() * int(masked.sum())
            count += int(masked.sum())
            found += int((result.logits.argmax(-1) == target)[masked].sum())
    return {"loss": total / count, "count": count, "accuracy": found / count}
