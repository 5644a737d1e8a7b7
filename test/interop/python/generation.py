"""Greedy continuations with transformers' key/value cache."""

import torch
from models import load_model
from peft import PeftModel


def generate(model, tokens, max_new_tokens=32, adapter=None, dtype="f32"):
    network = load_model(model, dtype)
    if adapter is not None:
        network = PeftModel.from_pretrained(network, adapter).eval()
    settings = {"max_new_tokens": max_new_tokens, "do_sample": False, "pad_token_id": 0}
    sizes = network.config
    if sizes.is_encoder_decoder and sizes.num_decoder_layers > sizes.num_hidden_layers:
        # transformers 5.23 makes its cache as high as the encoder.
        settings["use_cache"] = False
    with torch.no_grad():
        outputs = [network.generate(input_ids=torch.tensor([row]), **settings)[0].tolist() for row in tokens]
    # A causal model's output begins with the prompt, an encoder-decoder's with its start token.
    known = [1 if network.config.is_encoder_decoder else len(row) for row in tokens]
    rows = [output[length:] for output, length in zip(outputs, known)]
    return {"tokens": rows}
