"""Trains a single network on MNIST, optionally with masks and presets."""

from typing import Any

from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import train as train_lib


def train(
  output_dir: str,
  mnist_location: str = constants.MNIST_LOCATION,
  training_len: Any = None,
  masks: Any = None,
  presets: Any = None,
  train_order_seed: int | None = None,
  **more: Any,
) -> tuple[Any, Any]:
  """Calls `study.train.train`; what is new since 2018 is given by name."""
  given = locals()
  return train_lib.train(constants.TASK, **given.pop('more'), **given)
