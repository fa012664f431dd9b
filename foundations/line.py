"""The line between two networks: how they do along it, and its barrier.

Linear mode connectivity, as Frankle et al. (arXiv 1912.05671) measure it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import backend
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import trainer

Network = masks_lib.Network

EXAMPLES = 10_000
"""How many training examples moving averages are computed from."""


class Line(NamedTuple):
  """What was measured on the test set along a line.

  Attributes:
    alpha: Places in [0, 1], evenly spaced: 0 is the first network.
    error: Fraction of examples classified wrong, [points].
    loss: Mean cross-entropy in nats, [points].
    averaged: Number of training examples that the states, like the moving
      averages of batch norm, were computed from at each point; 0 without any.
  """

  alpha: list[float]
  error: list[float]
  loss: list[float]
  averaged: int


def interpolate(first: Network, second: Network, alpha: float) -> Network:
  """Returns (1 - alpha) * first + alpha * second, array by array.

  In float64 up to the end: equal networks give exactly themselves.
  """
  return {
    name: (
      (1 - alpha) * array.astype(np.float64)
      + alpha * second[name].astype(np.float64)
    ).astype(array.dtype)
    for name, array in first.items()
  }


def barrier(errors: Sequence[float] | np.ndarray) -> float:
  """Returns the highest error on a line, less the mean error of its ends."""
  values = np.asarray(errors, np.float64)
  return float(values.max() - (values[0] + values[-1]) / 2)


def measure(
  model: model_base.ModelBase,
  dataset: dataset_base.DatasetBase,
  first: Network,
  second: Network,
  points: int = 30,
) -> Line:
  """Measures networks on the line between two, on the test set.

  Args:
    model: What computes them; changed in place.
    dataset: Its test set is measured on; its training set gives the states.
    first: One end, {parameter name: array} with the states.
    second: The other end.
    points: Number of networks on the line, with both ends.
  """
  backend.deterministic_gpus()  # Before anything is computed.
  dataset.check_classes(model.build(dataset.train.values(slice(1))))
  alphas = np.linspace(0, 1, points)
  averaged, measured = 0, []
  for alpha in alphas:
    model.assign(interpolate(first, second, alpha))
    if model.states:  # Averages of averages are not those of the network.
      averaged = average_states(model, dataset.train, dataset.train_batch_size)
    measured.append(trainer.evaluate(model, dataset.test, execution='dense'))
  return Line(
    alphas.tolist(),
    [1 - each.accuracy for each in measured],
    [each.loss for each in measured],
    averaged,
  )


def average_states(
  model: model_base.ModelBase,
  split: dataset_base.DatasetSplit,
  batch_size: int,
  examples: int = EXAMPLES,
) -> int:
  """Computes a model's moving averages anew, as means over batches.

  Args:
    model: The model; its states are changed.
    split: Examples, not augmented, of which the same are chosen every time.
    batch_size: Examples a batch.
    examples: Number of examples, or all if there are fewer.

  Returns:
    The number of examples.
  """
  places = seeds.generator(0, 'averages').permutation(split.size)[:examples]
  try:
    for start in range(0, len(places), batch_size):
      chosen = places[start : start + batch_size]
      # So the averages of all batches up to here weigh as many examples each.
      model.states_momentum = start / (start + len(chosen))
      inputs = tf.gather(split.inputs, chosen)
      model(dataset_base.look_up(inputs, split.byte_values), training=True)
  finally:
    model.states_momentum = None
  return len(places)
