"""Adapters as PEFT saves them, for test/unit/engine/formats/peft-adapter.test.ts: `python peft_adapters.py` (versions in requirements.txt of
test/interop/python). Writes ../fixtures/peft-adapters/<case>/ with tiny random tensors."""

import os
import shutil

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "peft-adapters")


def llama(kind=LlamaForCausalLM):
    return kind(
        LlamaConfig(
            hidden_size=8,
            intermediate_size=12,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            vocab_size=20,
            attention_bias=True,
            tie_word_embeddings=False,
        )
    )


def gpt2():
    return GPT2LMHeadModel(GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=20, n_positions=8, bos_token_id=0, eos_token_id=0))


CASES = {
    "all-linear-bias": lambda: (llama(), LoraConfig(task_type="CAUSAL_LM", r=2, target_modules="all-linear", bias="all")),
    "dora-patterns": lambda: (
        llama(),
        LoraConfig(
            task_type="CAUSAL_LM",
            r=4,
            lora_alpha=16,
            target_modules=["q_proj", "v_proj"],
            use_dora=True,
            use_rslora=True,
            rank_pattern={"layers.1.self_attn.q_proj": 2},
            alpha_pattern={"v_proj": 32},
            modules_to_save=["lm_head"],
        ),
    ),
    "embedding": lambda: (llama(), LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["embed_tokens", "q_proj"], bias="lora_only")),
    "classifier": lambda: (llama(LlamaForSequenceClassification), LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["q_proj"])),
    "gpt2": lambda: (
        gpt2(),
        LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["c_attn"], fan_in_fan_out=True, layers_to_transform=0),
    ),
}


def main():
    torch.manual_seed(7)
    shutil.rmtree(FIXTURES, ignore_errors=True)
    for name, make in CASES.items():
        model, config = make()
        wrapped = get_peft_model(model, config)
        with torch.no_grad():
            for parameter in wrapped.parameters():
                if parameter.requires_grad:
                    parameter.copy_(torch.randn(parameter.shape))
        folder = os.path.join(FIXTURES, name)
        wrapped.save_pretrained(folder)
        os.remove(os.path.join(folder, "README.md"))
        os.chmod(os.path.join(folder, "adapter_model.safetensors"), 0o644)


if __name__ == "__main__":
    main()
