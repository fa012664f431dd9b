"""Loss and accuracy while a network trains: JSON logs and TensorBoard."""

import contextlib
import os
import pathlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tensorboard.compat.proto import event_pb2
from tensorboard.compat.proto import summary_pb2
from tensorboard.summary.writer import record_writer

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import save_restore

# Examples at a time bound the memory that an evaluation takes: of images, which
# a convolution gives some dozen channels, fewer than of rows of features.
EVALUATION_BATCH, IMAGE_BATCH = 10_000, 500


class Measurement(NamedTuple):
  """What a network does on some examples.

  Attributes:
    loss: Mean cross-entropy, in nats.
    accuracy: Number classified right / number of examples, in [0, 1].
  """

  loss: float
  accuracy: float


def evaluate(
  model: model_base.ModelBase, split: dataset_base.DatasetSplit
) -> Measurement:
  """Measures a network on all examples of a split, as `trainer.evaluate`."""
  size = EVALUATION_BATCH if split.inputs.shape.rank == 2 else IMAGE_BATCH
  if split.size <= size:  # A slice of all would be a copy.
    parts = [model.measure(split.values(), split.labels)]
  else:
    slices = [slice(i, i + size) for i in range(0, split.size, size)]
    parts = [model.measure(split.values(s), split.labels[s]) for s in slices]
  loss = sum(float(loss) for loss, _ in parts) / split.size
  return Measurement(loss, sum(int(right) for _, right in parts) / split.size)


class Average:
  """Mean loss and accuracy over the examples trained on."""

  def __init__(self, sums: Sequence[float] = (0.0, 0, 0)):
    self.sums = sums  # Of losses, of right answers, and of examples.

  def add(self, loss: float, right: int, examples: int) -> None:
    """Adds examples with their summed loss and the number right."""
    new = loss, right, examples
    self.sums = [total + x for total, x in zip(self.sums, new, strict=True)]

  def take(self) -> Measurement:
    """Returns the means and starts anew."""
    loss, right, examples = self.sums
    self.sums = 0.0, 0, 0
    return Measurement(loss / examples, right / examples)


class Measurements:
  """Collects measurements of a run's splits, also for TensorBoard."""

  def __init__(self, write: Callable[..., None] | None = None):
    self._write = write  # Takes the fields of an event of TensorBoard's.
    self.rows: list[list[Any]] = []  # Arguments of `add`.

  def add(
    self,
    split: str,
    iteration: int,
    measurement: Sequence[float],
    wall_time: float | None = None,
  ) -> None:
    """Adds what was measured on a split after `iteration` updates, or now."""
    measurement = Measurement(*measurement)
    wall_time = wall_time or time.time()
    self.rows.append([split, iteration, measurement, wall_time])
    if split != 'train':
      progress.note(**measurement._asdict())
    if self._write is not None:
      values = [
        summary_pb2.Summary.Value(tag=f'{split}/{key}', simple_value=value)
        for key, value in measurement._asdict().items()
      ]
      summary = summary_pb2.Summary(value=values)
      self._write(step=iteration, summary=summary, wall_time=wall_time)

  def save(self, directory: str) -> None:
    """Writes a JSON log for each split into the run's folder."""
    for split in {row[0] for row in self.rows}:
      rows = [(row[1], *row[2]) for row in self.rows if row[0] == split]
      columns = zip(*rows, strict=True)
      log = dict(zip(save_restore.LOG_KEYS, columns, strict=True))
      save_restore.write_log(paths.log(directory, split), log)


@contextlib.contextmanager
def collect(summaries: str | None) -> Iterator[Measurements]:
  """Yields a collector whose summaries go to a folder, or to nowhere."""
  if summaries is None:
    yield Measurements()
    return
  name = f'{time.time():.0f}.{socket.gethostname()}.{os.getpid()}'
  path = pathlib.Path(summaries, f'events.out.tfevents.{name}')
  with save_restore.naming(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open('wb')
  # TensorFlow's writer takes ten times as long. TensorBoard's own has a thread,
  # which a full disk ends with a traceback and nobody need notice.
  events = record_writer.RecordWriter(file)

  def write(**fields: Any) -> None:
    with save_restore.naming(path):
      events.write(event_pb2.Event(**fields).SerializeToString())
      file.flush()  # For TensorBoard to read events as they come.

  try:
    write(file_version='brain.Event:2', wall_time=time.time())
    yield Measurements(write)
  finally:
    with save_restore.naming(path):
      file.close()
