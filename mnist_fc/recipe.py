"""The values of a fully-connected network's recipe, and where its data lie."""

import dataclasses
import fnmatch
from typing import Any

from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import locations
from lottery_ticket.study import recipe as recipe_lib

HIDDEN_PERCENT = 0.2  # Of the survivors, a round.
LAST_PERCENT = 0.1  # The layer that gives the logits has few weights.

Layer = tuple[int, str | None]


@dataclasses.dataclass(frozen=True)
class Data:
  """Where the data lie.

  Attributes:
    mnist_location: Folder with MNIST or Fashion-MNIST.
  """

  mnist_location: str = locations.MNIST_LOCATION


@dataclasses.dataclass(frozen=True)
class Recipe(recipe_lib.Recipe):
  """The values of an experiment; by default the paper's.

  Attributes:
    layers: Units, or (units, activation), of each layer, the paper's [300, 100,
      10]; hidden ones are ReLUs.
    scaling: Scaling of the images: unit (to [0, 1], the paper's), standard (to
      mean 0 and deviation 1) or l2 (each image to length 1).
    validation_size: Examples set aside for validation; the paper's 5,000.
  """

  layers: tuple[Layer, ...] = ((300, 'relu'), (100, 'relu'), (10, None))
  scaling: str = 'unit'
  validation_size: int = 5_000
  prune_percents: dict[str, float] = dataclasses.field(
    default_factory=lambda: percents(3)
  )

  def __post_init__(self) -> None:
    super().__post_init__()
    is_right = _layers(self.layers) == self.layers
    wanted = '((units, activation), ...); `replace` takes units alone'
    errors.require(is_right, 'layers', wanted, repr(self.layers))
    known = list(percents(len(self.layers)))
    for name in self.prune_percents:
      is_known = bool(fnmatch.filter(known, name))
      errors.require(is_known, 'prune_percents', f'some of {known}', repr(name))
    errors.check_integer('validation_size', self.validation_size, 0)

  def complete(self, values: dict[str, Any]) -> dict[str, Any]:
    """Returns values with layers in one form, and as many percents."""
    if 'layers' not in values:
      return values
    layers = _layers(values['layers'])
    values = {'prune_percents': percents(len(layers)), **values}
    return values | {'layers': layers}

  @property
  def hyperparameters(self) -> dict[str, Any]:
    """What `ModelFc` wants."""
    return {
      'layers': list(self.layers),
      'kernel_initializer': self.kernel_initializer,
    }


def percents(
  layers: int, hidden: float = HIDDEN_PERCENT, last: float = LAST_PERCENT
) -> dict[str, float]:
  """Returns the fraction of each of some layers that is pruned a round."""
  all_hidden = {f'layer{i}': hidden for i in range(layers - 1)}
  return all_hidden | {f'layer{layers - 1}': last}


def _layers(layers: Any) -> tuple[Layer, ...]:
  """Returns layers as ((units, activation), ...)."""
  wanted = 'units, or (units, activation), of each'
  is_list = isinstance(layers, (list, tuple)) and layers
  errors.require(is_list, 'layers', wanted, repr(layers))
  last = len(layers) - 1
  pairs = [
    layer
    if errors.read_integer(layer) is None
    else (layer, None if i == last else 'relu')
    for i, layer in enumerate(layers)
  ]
  for pair in pairs:
    is_pair = isinstance(pair, (list, tuple)) and len(pair) == 2
    errors.require(is_pair, 'layers', wanted, repr(pair))
  return tuple((units, activation) for units, activation in pairs)
