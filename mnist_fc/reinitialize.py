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
  """Trains masks: `study.reinitialize.train` with the signature of 2018.

  The arguments are explained there and by the runner's `--help`; what is new
  since 2018, like `recipe` and `seed`, is given by name.
  """
  given = locals()
  return reinitialize.train(constants.TASK, **given.pop('more'), **given)
