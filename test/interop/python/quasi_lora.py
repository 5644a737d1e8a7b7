"""Quasi-LoRA (peft_type QLORA) in plain PyTorch: W + diag(s) (alpha/r) B A with trainable s [out], starting at one.

It is PEFT's LoRA layer with one factor more, so everything else (targets, initial A and B, Trainer) is the LoRA reference.
"""

import torch
from peft.tuners.lora import LoraLayer
from training import fit, prepare


def add_scaling_vectors(wrapped):
    """Multiplies each LoRA layer's update by s. The update alone passes through lora_B, so a hook there is the formula."""
    for module in wrapped.modules():
        if isinstance(module, LoraLayer):
            b = module.lora_B["default"]
            b.scaling_vector = torch.nn.Parameter(torch.ones(b.out_features))
            b.register_forward_hook(lambda layer, inputs, output: output * layer.scaling_vector)
    return wrapped


def train_quasi_lora(model, rows, peft, training, adapter=None, quantization="none"):
    network = prepare(model, peft, adapter, quantization)
    training = {**training, "scaling_vector_lr_ratio": peft.get("scaling_vector_lr_ratio", 1)}
    return fit(add_scaling_vectors(network), rows, training, bf16=quantization != "none")
