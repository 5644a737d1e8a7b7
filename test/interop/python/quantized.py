"""bitsandbytes: the quantized models QLoRA starts from."""

import torch
from models import class_for, logits_of
from safetensors.torch import save_file
from transformers import AutoConfig, BitsAndBytesConfig


def quantization_config(kind, double_quant=True):
    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=double_quant,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def load_quantized(folder, kind, double_quant=True):
    """Quantizes a plain folder, or loads one that is stored quantized (its config.json then says how)."""
    settings = {"dtype": torch.bfloat16, "attn_implementation": "eager", "device_map": "cpu"}
    if kind != "stored":
        settings["quantization_config"] = quantization_config(kind, double_quant)
    return class_for(AutoConfig.from_pretrained(folder)).from_pretrained(folder, **settings)


def save_quantized(folder, out, kind, double_quant=True):
    load_quantized(folder, kind, double_quant).save_pretrained(out)
    return {}


def quantized_logits(folder, tokens, out, kind="stored", double_quant=True, exact=False, decoder_tokens=None):
    """`exact`: the same weights, expanded to bf16, in f32 products: what all computing in lower precision comes near to."""
    model = load_quantized(folder, kind, double_quant)
    if exact:
        model = model.dequantize().float()
    logits = logits_of(model.eval(), tokens, decoder_tokens)
    save_file({"logits": logits}, out)
    return {"largest": logits.abs().max().item()}
