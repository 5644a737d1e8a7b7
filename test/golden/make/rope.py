"""Rotary cosines and sines from transformers, for test/unit/engine/nn/rope.test.ts: `python rope.py` (versions in requirements.txt of
test/interop/python). Writes ../fixtures/rope.json."""

import json
import os

import torch
import transformers
from transformers import LlamaConfig, PhiConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.phi.modeling_phi import PhiRotaryEmbedding

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "rope.json")
SHORT = [1 + i / 10 for i in range(8)]
LONG = [1 + i * 1.5 for i in range(8)]

# name, head_dim, rotated part of it, theta, max_position_embeddings, scaling, sequence lengths
CASES = [
    ("default", 16, 1, 10000.0, 2048, {"rope_type": "default"}, [100]),
    ("default, half of the head", 32, 0.5, 500000.0, 2048, {"rope_type": "default"}, [100]),
    ("linear", 16, 1, 10000.0, 8192, {"rope_type": "linear", "factor": 4.0}, [100]),
    ("linear, named by type", 16, 1, 10000.0, 8192, {"type": "linear", "factor": 2.5}, [100]),
    ("dynamic", 16, 1, 10000.0, 128, {"rope_type": "dynamic", "factor": 2.0}, [64, 128, 129, 512]),
    (
        "dynamic that names an original length",
        *(16, 1, 10000.0, 256, {"rope_type": "dynamic", "factor": 3.0, "original_max_position_embeddings": 128}),
        [200, 300],
    ),
    (
        "llama3",
        *(64, 1, 500000.0, 131072),
        {
            "rope_type": "llama3",
            "factor": 32.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        [100],
    ),
    ("yarn", 32, 1, 10000.0, 8192, {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048}, [100]),
    (
        "yarn with every setting",
        *(32, 0.75, 150000.0, 8192),
        {
            "rope_type": "yarn",
            "factor": 8.0,
            "beta_fast": 16.0,
            "beta_slow": 2.0,
            "attention_factor": 1.1,
            "original_max_position_embeddings": 1024,
        },
        [100],
    ),
    (
        "yarn with mscale",
        *(32, 1, 10000.0, 4096),
        {
            "rope_type": "yarn",
            "factor": 40.0,
            "mscale": 1.0,
            "mscale_all_dim": 0.8,
            "original_max_position_embeddings": 4096,
        },
        [100],
    ),
    (
        "yarn, its range not truncated",
        *(64, 1, 150000.0, 131072),
        {"rope_type": "yarn", "factor": 32.0, "truncate": False, "original_max_position_embeddings": 4096},
        [100],
    ),
    (
        "longrope",
        *(16, 1, 10000.0, 4096),
        {
            "rope_type": "longrope",
            "short_factor": SHORT,
            "long_factor": LONG,
            "original_max_position_embeddings": 256,
        },
        [100, 256, 257, 4000],
    ),
    (
        "longrope with factors of its own",
        *(16, 1, 10000.0, 4096),
        {
            "rope_type": "longrope",
            "short_factor": SHORT,
            "long_factor": LONG,
            "factor": 4.0,
            "attention_factor": 1.25,
            "original_max_position_embeddings": 256,
        },
        [100, 4000],
    ),
]


def make_embedding(head_dim, share, theta, positions, scaling):
    """The rotary embedding of a model: Llama's, or Phi's where only a part of the head is rotated."""
    common = dict(hidden_size=head_dim * 2, num_attention_heads=2, max_position_embeddings=positions)
    parameters = {**scaling, "rope_theta": theta}
    if share == 1:
        return LlamaRotaryEmbedding(LlamaConfig(**common, head_dim=head_dim, rope_parameters=parameters))
    return PhiRotaryEmbedding(PhiConfig(**common, rope_parameters={**parameters, "partial_rotary_factor": share}))


def turn(embedding, seq):
    """Cosines and sines (halves repeat: one is kept) at some positions, the last one included."""
    at = [0, 1, 5, 40, seq - 1]
    cos, sin = embedding(torch.zeros(1), torch.tensor([at]))
    half = cos.shape[-1] // 2
    assert torch.equal(cos[..., :half], cos[..., half:]) and torch.equal(sin[..., :half], sin[..., half:])
    keep = lambda values: [[float(f"{value:.8g}") for value in row] for row in values[0, :, :half].tolist()]
    return {"seq": seq, "positions": at, "cos": keep(cos), "sin": keep(sin)}


def main():
    cases = []
    for title, head_dim, share, theta, positions, scaling, lengths in CASES:
        config = {
            "theta": theta,
            "headDim": head_dim,
            "rotaryDim": int(head_dim * share),
            "maxPositionEmbeddings": positions,
            "scaling": scaling,
        }
        # An embedding of its own for each length: dynamic ones remember the longest.
        found = [turn(make_embedding(head_dim, share, theta, positions, scaling), seq) for seq in lengths]
        cases.append({"title": title, "config": config, "found": found})
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    with open(PATH, "w", encoding="utf-8") as file:
        json.dump({"versions": versions, "cases": cases}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
