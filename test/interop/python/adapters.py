"""PEFT adapters: random ones made from our own `peft` configuration, and the logits of base + adapter."""

import json
import os
import re

import torch
from models import load_model, logits_of
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import Trainer

PASSED_ON = (
    "r",
    "lora_alpha",
    "lora_dropout",
    "target_modules",
    "use_rslora",
    "use_dora",
    "rank_pattern",
    "alpha_pattern",
    "layers_to_transform",
    "exclude_modules",
    "init_lora_weights",
    "ensure_weight_tying",
)


def lora_config(peft, task_type="CAUSAL_LM"):
    """Our configuration uses PEFT's names (DESIGN.md 6), so what is written is passed on; what is not keeps our defaults."""
    settings = {"r": 8, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear"}
    settings.update({name: peft[name] for name in PASSED_ON if peft.get(name) is not None})
    bias = peft.get("bias", "none")
    settings["bias"] = "none" if isinstance(bias, list) else bias
    settings["modules_to_save"] = peft.get("modules_to_save") or None
    return LoraConfig(task_type=task_type, **settings)


def task_of(model):
    return "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM"


def add_adapter(model, peft, seed, random_b=True):
    """B starts at zero; random values of a trained adapter's size give A a gradient from the first step on."""
    torch.manual_seed(seed)
    wrapped = get_peft_model(model, lora_config(peft, task_of(model)))
    if random_b:
        generator = torch.Generator().manual_seed(seed + 1)
        with torch.no_grad():
            for name, parameter in wrapped.named_parameters():
                if "lora_B" in name or "lora_embedding_B" in name:
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
                elif "magnitude" in name or "modules_to_save" in name or (parameter.requires_grad and "bias" in name):
                    parameter.mul_(1 + 0.1 * torch.randn(parameter.shape, generator=generator))
    return wrapped


def listed_biases(network, modules):
    """Our `bias` may be a list of modules, which PEFT has no word for: name and parameter of their biases."""
    pattern = re.compile(rf"(?:^|\.)(?:{'|'.join(map(re.escape, modules))})\.bias$")
    return [(plain_name(name), p) for name, p in network.named_parameters() if pattern.search(plain_name(name))]


def save_with_biases(wrapped, folder, modules):
    """As PEFT saves the biases of `bias="all"`, with the list in its place."""
    wrapped.save_pretrained(folder)
    path = os.path.join(folder, "adapter_model.safetensors")
    tensors = load_file(path)
    tensors.update({f"base_model.model.{name}": p.detach() for name, p in listed_biases(wrapped, modules)})
    save_file(tensors, path, metadata={"format": "pt"})
    path = os.path.join(folder, "adapter_config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**config, "bias": modules}, file)


def load_to_train(model, folder, peft):
    """The adapter as PEFT goes on training it, with the listed biases where there are some."""
    config = LoraConfig.from_pretrained(folder)
    bias = peft.get("bias")
    if not isinstance(bias, list):
        return PeftModel.from_pretrained(model, folder, is_trainable=True)
    config.bias = "none"
    wrapped = PeftModel.from_pretrained(model, folder, config=config, is_trainable=True)
    for _, parameter in listed_biases(wrapped, bias):
        parameter.requires_grad_(True)
    return wrapped


def make_adapter(model, folder, peft, seed=1, random_b=True):
    wrapped = add_adapter(load_model(model), peft, seed, random_b)
    if isinstance(peft.get("bias"), list):
        save_with_biases(wrapped, folder, peft["bias"])
    else:
        wrapped.save_pretrained(folder)
    return {"trainable": sum(p.numel() for p in wrapped.parameters() if p.requires_grad)}


def adapter_logits(model, folder, tokens, out, dtype="f32", decoder_tokens=None):
    """Logits of base + adapter, as PEFT loads the adapter folder; `merged` compares PEFT's own merge with it."""
    wrapped = PeftModel.from_pretrained(load_model(model, dtype), folder).eval()
    logits = logits_of(wrapped, tokens, decoder_tokens)
    save_file({"logits": logits}, out)
    change = (logits - logits_of(load_model(model, dtype), tokens, decoder_tokens)).abs().max().item()
    merged = (logits_of(wrapped.merge_and_unload(), tokens, decoder_tokens) - logits).abs().max().item()
    return {"change_from_base": change, "merged_difference": merged}


def plain_name(name):
    """A parameter's name without what PEFT wraps around it."""
    for wrapping in ("base_model.model.", ".default", ".base_layer", ".modules_to_save"):
        name = name.replace(wrapping, "")
    return name.replace("lora_magnitude_vector.weight", "lora_magnitude_vector")


def trained_tensors(model, peft):
    """What PEFT trains for our settings and what the Trainer decays of it: [name, shape, decays]."""
    wrapped = get_peft_model(load_model(model), lora_config(peft))
    decayed = set(Trainer.get_decay_parameter_names(None, wrapped))
    trained = [(name, p) for name, p in wrapped.named_parameters() if p.requires_grad]
    return {"tensors": [[plain_name(name), list(p.shape), name in decayed] for name, p in trained]}
