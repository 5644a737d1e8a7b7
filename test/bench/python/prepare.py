"""Makes what every arm of the bench starts from: a random model, a LoRA adapter for it and rows of random token ids.

`python prepare.py SPEC.json`: model (folder), adapter (folder), config, peft; with rows (a file) also row_count and row_length. The weights are
plain normal numbers of transformers' own deviation; B is random too, so that the loss traces of all arms depend on every product.
"""

import json
import os
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, logging


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    logging.disable_progress_bar()
    torch.manual_seed(0)
    if not os.path.exists(os.path.join(spec["model"], "config.json")):
        AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **spec["config"])).save_pretrained(spec["model"])
    if not os.path.exists(os.path.join(spec["adapter"], "adapter_config.json")):
        make_adapter(spec)
    if "rows" in spec:
        write_rows(spec)


def write_rows(spec):
    generator = torch.Generator().manual_seed(1)
    shape = (spec["row_count"], spec["row_length"])
    ids = torch.randint(spec["config"]["vocab_size"], shape, generator=generator).tolist()
    with open(spec["rows"], "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"input_ids": row}) + "\n" for row in ids)


def make_adapter(spec):
    base = AutoModelForCausalLM.from_pretrained(spec["model"], dtype=torch.float32)
    wrapped = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **spec["peft"]))
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.02)
    wrapped.save_pretrained(spec["adapter"])


if __name__ == "__main__":
    main()
