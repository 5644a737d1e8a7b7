"""Random models of transformers, saved as Hugging Face folders, and their logits."""

import json
import os

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def class_for(settings):
    return AutoModelForSeq2SeqLM if settings.is_encoder_decoder else AutoModelForCausalLM


def make_model(
    folder,
    model_type,
    config,
    seed=0,
    dtype="f32",
    max_shard_size="5GB",
    legacy_config=False,
    own_head=False,
    scaled_query=False,
):
    """Makes a model whose logits are of order one: with transformers' own start (deviation 0.02) all logits would be near
    zero and an absolute tolerance would prove little. `legacy_config` writes config.json as transformers 4 did; `own_head` parts
    a head from the embedding that transformers has tied (T5 1.1, whose files have both); `scaled_query` makes T5's queries as small
    as its own start has them, since it does not scale the scores: else these are four times a trained model's, and bf16 or one step of
    AdamW on a gradient near zero moves the loss by more than a trace may differ."""
    settings = AutoConfig.for_model(model_type, **config)
    model = class_for(settings).from_config(settings, attn_implementation="eager")
    if own_head:
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
        model.all_tied_weights_keys.pop("lm_head.weight", None)
    randomize(model, seed)
    if scaled_query:
        scale_queries(model)
    model.to(DTYPES[dtype])
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    if legacy_config:
        write_legacy_config(folder)
    return {"parameters": model.num_parameters(), "files": sorted(os.listdir(folder))}


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    tied = model.get_output_embeddings() is not None and (
        model.get_output_embeddings().weight is model.get_input_embeddings().weight
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 1:
                parameter.copy_(noise * 0.1 + (0.0 if name.endswith("bias") else 1.0))
            elif "embed" in name or name.endswith(("wte.weight", "shared.weight")):
                scaled = getattr(model.config, "scale_decoder_outputs", False)
                parameter.copy_(noise * (2.0 if scaled else 2 / parameter.shape[1] ** 0.5 if tied else 1.0))
            elif name == "lm_head.weight":
                parameter.copy_(noise * 2 / parameter.shape[1] ** 0.5)
            else:
                parameter.copy_(noise / parameter.shape[-1] ** 0.5)


def scale_queries(model):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("Attention.q.weight"):
                parameter.mul_(model.config.d_kv**-0.5)


def write_legacy_config(folder):
    """transformers 5 writes `rope_parameters` and `dtype`; most published models still have `rope_theta`, `rope_scaling`
    and `torch_dtype`."""
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    rope = config.pop("rope_parameters", None) or {}
    config["rope_theta"] = rope.pop("rope_theta", 10000.0)
    config["rope_scaling"] = rope if rope.get("rope_type", "default") != "default" else None
    config["torch_dtype"] = config.pop("dtype")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)


def load_model(folder, dtype="f32"):
    settings = {"dtype": DTYPES[dtype], "attn_implementation": attention_of(folder)}
    model = class_for(AutoConfig.from_pretrained(folder)).from_pretrained(folder, **settings).eval()
    # Made from the class's name, which misses GPT2LMHeadModel: the Trainer's mean would then count labels that nothing predicts.
    model.loss_type = "ForCausalLM"
    return model


def attention_of(folder):
    """Falcon's eager attention adds ALiBi twice (transformers 5.23: in the mask, and to the scores), its usual one once."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return "sdpa" if json.load(file).get("alibi") else "eager"


def logits_of(model, tokens, decoder_tokens=None):
    written = {} if decoder_tokens is None else {"decoder_input_ids": torch.tensor([decoder_tokens])}
    with torch.no_grad():
        return model(input_ids=torch.tensor([tokens]), **written).logits[0].float().contiguous()


def model_logits(folder, tokens, out, dtype="f32", decoder_tokens=None):
    """Saves the logits [seq, vocab] of one row of token ids, computed in `dtype` from the folder's weights; of an encoder-decoder
    those at `decoder_tokens`."""
    logits = logits_of(load_model(folder, dtype), tokens, decoder_tokens)
    save_file({"logits": logits}, out)
    return {"largest": logits.abs().max().item(), "deviation": logits.std().item()}
