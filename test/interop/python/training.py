"""Loss traces of transformers' own Trainer (with PEFT where an adapter is trained), driven by our run configuration.

The Trainer is the reference as users know it: it decides which parameters decay, how a loss is averaged over an accumulated batch,
when the last incomplete one steps and how the gradient norm is taken. We only watch: the loss each optimizer step was made
from, the rate it used, and the norm before clipping.
"""

import json
import tempfile

import torch
from adapters import add_adapter, load_to_train
from models import load_model, logits_of
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import save_file
from transformers import Trainer, TrainerCallback, TrainingArguments

OPTIMIZERS = {"adamw": "adamw_torch", "adamw_torch": "adamw_torch", "sgd": "sgd", "adafactor": "adafactor"}


class Lion(torch.optim.Optimizer):
    """Sign of an interpolated momentum, decoupled decay (Chen and others 2023, algorithm 2); PyTorch has none of its own."""

    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                momentum = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
                direction = torch.sign(beta1 * momentum + (1 - beta1) * parameter.grad)
                parameter.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * direction)
                momentum.mul_(beta2).add_(parameter.grad, alpha=1 - beta2)


class WatchedTrainer(Trainer):
    """Keeps the exact figures of each step; the log's own are rounded."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.trace = {"loss": [], "learning_rate": [], "grad_norm": []}
        self.open_loss = 0.0

    def training_step(self, *args, **kwargs):
        loss = super().training_step(*args, **kwargs)
        self.open_loss += loss.item()
        return loss

    def close_step(self):
        self.trace["loss"].append(self.open_loss)
        self.open_loss = 0.0

    def log(self, logs, *args, **kwargs):
        if "grad_norm" in logs:
            self.trace["grad_norm"].append(float(logs["grad_norm"]))
        super().log(logs, *args, **kwargs)


class StepWatcher(TrainerCallback):
    def __init__(self):
        self.trainer = None

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        self.trainer.trace["learning_rate"].append(self.trainer.optimizer.param_groups[0]["lr"])

    def on_optimizer_step(self, args, state, control, **kwargs):
        self.trainer.close_step()


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def pad_right(rows):
    def column(name, filler):
        length = max(len(row[name]) for row in rows)
        return torch.tensor([row[name] + [filler] * (length - len(row[name])) for row in rows])

    for row in rows:
        row.setdefault("labels", list(row["input_ids"]))
        row["attention_mask"] = [1] * len(row["input_ids"])
    return {
        "input_ids": column("input_ids", 0),
        "labels": column("labels", -100),
        "attention_mask": column("attention_mask", 0),
    }


def training_arguments(training, folder, bf16):
    warmup = training.get("warmup_steps") or training.get("warmup_ratio", 0)
    return TrainingArguments(
        output_dir=folder,
        use_cpu=True,
        bf16=bf16,
        per_device_train_batch_size=training["per_device_train_batch_size"],
        gradient_accumulation_steps=training.get("gradient_accumulation_steps", 1),
        learning_rate=training["learning_rate"],
        num_train_epochs=training.get("num_train_epochs", 1),
        max_steps=training.get("max_steps", -1),
        lr_scheduler_type=training.get("lr_scheduler_type", "constant"),
        lr_scheduler_kwargs=training.get("lr_scheduler_kwargs", {}),
        warmup_steps=warmup,
        # A name that the Trainer does not have stands for an optimizer of our own making (make_optimizer).
        optim=OPTIMIZERS.get(training.get("optim", "adamw"), "adamw_torch"),
        weight_decay=training.get("weight_decay", 0.0),
        adam_beta1=training.get("adam_beta1", 0.9),
        adam_beta2=training.get("adam_beta2", 0.999),
        adam_epsilon=training.get("adam_epsilon", 1e-8),
        max_grad_norm=training.get("max_grad_norm", 0.0),
        gradient_checkpointing=False,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=training.get("seed", 42),
    )


def make_optimizer(model, training):
    """Only where the Trainer has no name for it; otherwise the Trainer makes its own."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    betas = (training.get("adam_beta1", 0.9), training.get("adam_beta2", 0.999))
    epsilon, decay = training.get("adam_epsilon", 1e-8), training.get("weight_decay", 0.0)
    if training.get("loraplus_lr_ratio"):
        return create_loraplus_optimizer(
            model,
            torch.optim.AdamW,
            lr=training["learning_rate"],
            loraplus_lr_ratio=training["loraplus_lr_ratio"],
            loraplus_weight_decay=decay,
            loraplus_lr_embedding=training.get("loraplus_lr_embedding", 1e-6),
            betas=betas,
            eps=epsilon,
        )
    ratio = training.get("scaling_vector_lr_ratio", 1)
    if ratio != 1:
        named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
        vectors = [parameter for name, parameter in named if name.endswith("scaling_vector")]
        others = [parameter for name, parameter in named if not name.endswith("scaling_vector")]
        rate = training["learning_rate"]
        groups = [{"params": others, "lr": rate}, {"params": vectors, "lr": rate * ratio}]
        return torch.optim.AdamW(groups, lr=rate, betas=betas, eps=epsilon, weight_decay=decay)
    if training.get("optim") == "lion":
        return Lion(trainable, lr=training["learning_rate"], betas=betas, weight_decay=decay)
    if training.get("optim") == "adam":
        return torch.optim.Adam(trainable, lr=training["learning_rate"], betas=betas, eps=epsilon, weight_decay=decay)
    if training.get("optim") == "sgd":
        return torch.optim.SGD(
            trainable, lr=training["learning_rate"], momentum=training.get("momentum", 0.0), weight_decay=decay
        )
    return None


def prepare(model_folder, peft, adapter, quantization):
    """The model as a user of PyTorch + PEFT would set it up for the given storage of the frozen weights."""
    if quantization in ("nf4", "int8"):
        from quantized import load_quantized

        model = load_quantized(model_folder, quantization)
    else:
        model = load_model(model_folder, "bf16" if quantization == "bf16" else "f32")
    if peft.get("peft_type") == "NONE":
        return model.float()
    if adapter is not None:
        return load_to_train(model, adapter, peft)
    return add_adapter(model, peft, seed=1, random_b=False)


def fit(network, rows, training, bf16=False):
    """Trains the network on the rows file in its order and gives loss, learning rate and gradient norm of every step."""
    torch.manual_seed(training.get("seed", 42))
    watcher = StepWatcher()
    with tempfile.TemporaryDirectory() as folder:
        trainer = WatchedTrainer(
            model=network,
            args=training_arguments(training, folder, bf16),
            train_dataset=read_rows(rows),
            data_collator=pad_right,
            callbacks=[watcher],
            optimizers=(make_optimizer(network, training), None),
        )
        watcher.trainer = trainer
        trainer.train()
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return {**trainer.trace, "trainable": trainable}


def train(model, rows, peft, training, adapter=None, quantization="none", tokens=None, out=None, save=None):
    """One run. Where `tokens` and `out` are given, the trained model's logits for them are saved; where `save` is given, the
    trained adapter or model."""
    network = prepare(model, peft, adapter, quantization)
    trace = fit(network, rows, training, bf16=quantization != "none")
    if tokens is not None:
        save_file({"logits": logits_of(network.eval(), tokens)}, out)
    if save is not None:
        network.save_pretrained(save)
    return trace
