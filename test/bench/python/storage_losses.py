"""What transformers and bitsandbytes make of a model in each storage: the mean loss over the labels of given rows.

`python storage_losses.py SPEC.json RESULT.json`: model (folder), rows (name -> lines of JSON with input_ids and labels). Labels are not shifted,
-100 = none.
"""

import json
import os
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../interop/python"))
from models import load_model  # noqa: E402
from quantized import load_quantized  # noqa: E402

STORAGES = {
    "none": lambda folder: load_model(folder, "f32"),
    "bf16": lambda folder: load_model(folder, "bf16"),
    "int8": lambda folder: load_quantized(folder, "int8"),
    "nf4-single": lambda folder: load_quantized(folder, "nf4", False),
    "nf4": lambda folder: load_quantized(folder, "nf4", True),
}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    losses = {}
    for storage, load in STORAGES.items():
        model = load(spec["model"]).eval()
        losses[storage] = {name: mean_loss(model, path) for name, path in spec["rows"].items()}
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(losses, file)


@torch.no_grad()
def mean_loss(model, path):
    total, count = 0.0, 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            logits = model(input_ids=torch.tensor([row["input_ids"]])).logits.float()
            labels = torch.tensor(row["labels"][1:])
            total += F.cross_entropy(logits[0, :-1], labels, ignore_index=-100, reduction="sum").item()
            count += int((labels != -100).sum())
    return total / max(1, count)


if __name__ == "__main__":
    main()
