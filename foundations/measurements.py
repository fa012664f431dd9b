"""Loss and accuracy while a network trains: JSON logs and TensorBoard."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from tensorboard import summary

from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore


class Measurement(NamedTuple):
  """What a network does on some examples.

  Attributes:
    loss: Mean cross-entropy, in nats.
    accuracy: Number classified right / number of examples, in [0, 1].
  """

  loss: float
  accuracy: float


class Measurements:
  """Collects measurements of the splits of one run.

  Args:
    writer: Where TensorBoard summaries go, or None for none.
  """

  def __init__(self, writer: Any = None):
    self._writer = writer
    self._logs: dict[str, dict[str, list]] = {}

  def add(self, split: str, iteration: int, measurement: Measurement) -> None:
    """Adds what was measured on a split after `iteration` updates."""
    log = self._logs.setdefault(
      split, {key: [] for key in save_restore.LOG_KEYS}
    )
    log['iteration'].append(iteration)
    log['loss'].append(measurement.loss)
    log['accuracy'].append(measurement.accuracy)
    if self._writer is not None:
      self._writer.add_scalar(f'{split}/loss', measurement.loss, iteration)
      self._writer.add_scalar(
        f'{split}/accuracy', measurement.accuracy, iteration
      )

  def save(self, directory: str) -> None:
    """Writes a JSON log for each split into a run's folder."""
    for split, log in self._logs.items():
      save_restore.write_log(paths.log(directory, split), log)


@contextlib.contextmanager
def collect(summaries: str | None) -> Iterator[Measurements]:
  """Yields a collector whose summaries go to a folder, or to nowhere."""
  # TensorBoard's own writer: TensorFlow's takes ten times as long.
  writer = summary.Writer(summaries) if summaries else None
  try:
    yield Measurements(writer)
  finally:
    if writer is not None:
      writer.close()
