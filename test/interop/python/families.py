"""Checkpoints of model families as they are found in the wild, and what PEFT knows of a family."""

import json
import os
import re

import torch
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as TARGETS
from safetensors.torch import load_file, save_file


def default_targets(model_types):
    """PEFT's target modules where nothing is said; null for a family that it has none for."""
    return {"targets": {model_type: TARGETS.get(model_type) for model_type in model_types}}


def edit_config(folder, changes, removed=()):
    """Rewrites keys of config.json, so that both sides read an older spelling of the same model."""
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config = {key: value for key, value in config.items() if key not in removed}
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**config, **changes}, file, indent=2)
    return {}


def edit_tensors(folder, pattern="", replacement="", buffers=()):
    """Renames tensors of a one-file checkpoint (regular expression), and adds buffers as older versions of transformers saved them."""
    path = os.path.join(folder, "model.safetensors")
    tensors = {re.sub(pattern, replacement, name): tensor for name, tensor in load_file(path).items()}
    tensors.update({name: torch.ones(1, 1, 4, 4) for name in buffers})
    save_file(tensors, path, metadata={"format": "pt"})
    return {"names": sorted(tensors)}
