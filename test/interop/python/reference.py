"""Runs a list of reference tasks in one process: `python reference.py SPEC.json RESULT.json`.

Importing torch, transformers and peft takes seconds, so a suite writes all its tasks into one file. SPEC.json is a list of
objects with `op` (a key of OPS) and that function's keyword arguments; RESULT.json is the list of what the functions returned.
Every function takes and returns plain JSON; tensors pass as safetensors files.
"""

import json
import os
import sys
import traceback

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def operations():
    import transformers

    transformers.logging.disable_progress_bar()
    import adapters
    import classifiers
    import families
    import generation
    import models
    import optimizers
    import quantized
    import quasi_lora
    import tensorboard_files
    import text
    import training

    return {
        "make_model": models.make_model,
        "model_logits": models.model_logits,
        "make_adapter": adapters.make_adapter,
        "adapter_logits": adapters.adapter_logits,
        "default_targets": families.default_targets,
        "edit_config": families.edit_config,
        "edit_tensors": families.edit_tensors,
        "make_headed_model": classifiers.make_headed_model,
        "headed_logits": classifiers.headed_logits,
        "make_class_adapter": classifiers.make_class_adapter,
        "class_adapter_logits": classifiers.class_adapter_logits,
        "train_classifier": classifiers.train_classifier,
        "masked_loss": classifiers.masked_loss,
        "trained_tensors": adapters.trained_tensors,
        "train": training.train,
        "optimize": optimizers.optimize,
        "schedule": optimizers.schedule,
        "train_quasi_lora": quasi_lora.train_quasi_lora,
        "read_tensorboard": tensorboard_files.read_tensorboard,
        "make_tokenizer": text.make_tokenizer,
        "encode_texts": text.encode_texts,
        "render_chats": text.render_chats,
        "generate": generation.generate,
        "save_quantized": quantized.save_quantized,
        "quantized_logits": quantized.quantized_logits,
    }


def main():
    spec_path, result_path = sys.argv[1:3]
    with open(spec_path, encoding="utf-8") as file:
        tasks = json.load(file)
    known = operations()
    results = []
    for index, task in enumerate(tasks):
        arguments = dict(task)
        name = arguments.pop("op")
        try:
            results.append(known[name](**arguments))
        except Exception:
            traceback.print_exc()
            sys.exit(f"reference task {index} failed: {json.dumps(task)[:2000]}")
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main()
