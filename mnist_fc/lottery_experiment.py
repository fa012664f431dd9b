"""Performs the lottery ticket experiment on MNIST."""

from typing import Any

from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import lottery_experiment


def train(
  output_dir: str,
  mnist_location: str = constants.MNIST_LOCATION,
  training_len: Any = None,
  iterations: int = 30,
  experiment_name: str = 'same_init',
  presets: Any = None,
  permute_labels: bool = False,
  train_order_seed: int | None = None,
  **more: Any,
) -> list[Any]:
  """Calls `study.lottery_experiment.train`; what is new since goes by name."""
  given = locals()
  return lottery_experiment.train(constants.TASK, **given.pop('more'), **given)
