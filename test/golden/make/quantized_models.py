"""A tiny model and its bitsandbytes forms as transformers saves them, for test/unit/engine/formats/bitsandbytes.test.ts:
`python quantized_models.py` (versions in requirements.txt of test/interop/python). Writes ../fixtures/quantized-models/{base,nf4,nf4-plain,int8}."""

import os
import shutil

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "quantized-models")
KINDS = {
    "nf4": BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16
    ),
    "nf4-plain": BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4"),
    "int8": BitsAndBytesConfig(load_in_8bit=True),
}


def main():
    torch.manual_seed(5)
    shutil.rmtree(FIXTURES, ignore_errors=True)
    base = os.path.join(FIXTURES, "base")
    config = LlamaConfig(
        hidden_size=16,
        intermediate_size=20,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=24,
        tie_word_embeddings=False,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(base)
    for name, quantization in KINDS.items():
        model = AutoModelForCausalLM.from_pretrained(
            base, dtype=torch.bfloat16, device_map="cpu", quantization_config=quantization
        )
        model.save_pretrained(os.path.join(FIXTURES, name))
    for folder, _, files in os.walk(FIXTURES):
        for name in files:
            path = os.path.join(folder, name)
            if name == "generation_config.json":
                os.remove(path)
            else:
                os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
