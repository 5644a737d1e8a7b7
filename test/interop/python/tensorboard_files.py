"""TensorBoard's own reader: every scalar of a log folder."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def read_tensorboard(folder):
    reader = EventAccumulator(folder, size_guidance={"scalars": 0})
    reader.Reload()
    tags = reader.Tags()["scalars"]
    return {tag: [[event.step, event.wall_time, event.value] for event in reader.Scalars(tag)] for tag in tags}
