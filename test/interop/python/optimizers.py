"""Optimizers and learning-rate schedules by themselves: given gradients in, parameters and rates out."""

import tempfile

import torch
from safetensors.torch import save_file
from training import make_optimizer, training_arguments
from transformers import Trainer, get_scheduler


def build(parameters, training):
    own = make_optimizer(torch.nn.ParameterList(parameters), training)
    if own is not None:
        return own
    with tempfile.TemporaryDirectory() as folder:
        kind, settings = Trainer.get_optimizer_cls_and_kwargs(training_arguments(training, folder, bf16=False))
    return kind(parameters, weight_decay=training.get("weight_decay", 0.0), **settings)


def flat(tensors):
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def optimize(training, shapes, steps, out, seed=1):
    """Random parameters and gradients of sizes between 1e-3 and 1; saves where the parameters are after every step."""
    generator = torch.Generator().manual_seed(seed)
    parameters = [torch.nn.Parameter(torch.randn(shape, generator=generator) * 0.1) for shape in shapes]
    optimizer = build(parameters, training)
    initial, gradients, values = flat(parameters), [], []
    for _ in range(steps):
        for index, parameter in enumerate(parameters):
            parameter.grad = torch.randn(parameter.shape, generator=generator) * 10.0 ** -(index % 4)
        gradients.append(flat([parameter.grad for parameter in parameters]))
        optimizer.step()
        values.append(flat(parameters))
    save_file({"initial": initial, "gradients": torch.stack(gradients), "values": torch.stack(values)}, out)
    return {}


def schedule(name, learning_rate, warmup_steps, total_steps, settings):
    """The rate of each optimizer step, and of a few beyond the end."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=learning_rate)
    scheduler = get_scheduler(name, optimizer, warmup_steps, total_steps, settings)
    rates = []
    for _ in range(total_steps + 3):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return {"rates": rates}
