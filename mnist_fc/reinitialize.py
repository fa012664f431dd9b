"""Runs the random reinitialization control on MNIST, and its variants."""

from typing import Any

from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import reinitialize


def train(
  output_dir: str,
  mnist_location: str = constants.MNIST_LOCATION,
  training_len: Any = None,
  masks: Any = None,
  initialization_distribution: Any = None,
  same_sign: Any = None,
  **more: Any,
) -> tuple[Any, Any]:
  """Calls `study.reinitialize.train`; what is new since 2018 goes by name."""
  given = locals()
  return reinitialize.train(constants.TASK, **given.pop('more'), **given)
