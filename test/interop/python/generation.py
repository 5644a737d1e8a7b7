"""Greedy continuations with transformers' key/value cache."""

import torch
from models import load_model
from peft import PeftModel


def generate(model, tokens, max_new_tokens=32, adapter=None, dtype="f32"):
    network = load_model(model, dtype)
    if adapter is not None:
        network = PeftModel.from_pretrained(network, adapter).eval()
    settings = {"max_new_tokens": max_new_tokens, "do_sample": False, "pad_token_id": 0}
    with torch.no_grad():
        rows = [network.generate(input_ids=torch.tensor([row]), **settings)[0, len(row) :].tolist() for row in tokens]
    return {"tokens": rows}
