"""A recipe: the values of an experiment, by name and as flags."""

import dataclasses
import json
from typing import Any, TypeVar

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import execution
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import schedule

AnyRecipe = TypeVar('AnyRecipe', bound='Recipe')


@dataclasses.dataclass(frozen=True)
class Recipe:
  """The values that the recipes of all tasks have; by default the paper's.

  A task adds values of its own in a child. Make other recipes with `replace`,
  which takes values in any of their forms.

  Attributes:
    kernel_initializer: Name of a Keras initializer; the paper's glorot_normal.
    optimizer: Name of a Keras optimizer; the paper's Adam.
    learning_rate: Its learning rate, the paper's 0.0012, or a schedule of Keras
      like {'CosineDecay': {'initial_learning_rate': 0.1, 'decay_steps': 500}}.
    optimizer_settings: Its other settings, like {'momentum': 0.9}.
    warmup: Iterations of a first, linear rise of the rate from 0; by default 0.
    l2: Penalty on kernels in the loss, times half their sum of squares: the
      papers' weight decay, which Keras's weight_decay is not; by default 0.
    batch_size: Examples a batch; the paper's 60.
    training_len: ('iterations', n) or ('epochs', n); the paper's 50,000
      iterations.
    evaluation_interval: Iterations between two evaluations; the paper's 100.
    prune_percents: {layer name, or pattern like conv*: the fraction to prune a
      round}; a layer left out is not pruned. Of several patterns that match a
      layer, the longest counts.
    pruner: Criterion of pruning: magnitude (the paper's), global_magnitude,
      random or another one of `PRUNERS` in `foundations/pruner.py`.
    execution: What trains and measures: dense (whole kernels), sparse (only the
      weights that are left) or auto (the faster one).
  """

  kernel_initializer: str = 'glorot_normal'
  optimizer: str = 'Adam'
  learning_rate: optimizers.Rate = 1.2e-3
  optimizer_settings: dict[str, Any] = dataclasses.field(default_factory=dict)
  warmup: int = 0
  l2: float = 0.0
  batch_size: int = 60
  training_len: schedule.Length = ('iterations', 50_000)
  evaluation_interval: int = 100
  prune_percents: dict[str, float] = dataclasses.field(default_factory=dict)
  pruner: str = 'magnitude'
  execution: str = 'auto'

  def __post_init__(self) -> None:
    pruner.get(self.pruner)
    execution.check(self.execution)
    pruner.check_percents(self.prune_percents)
    given = self.optimizer_settings
    is_right = isinstance(given, dict)
    errors.require(is_right, 'optimizer_settings', 'a dictionary', repr(given))
    optimizers.check_rate(self.learning_rate)
    errors.check_integer('warmup', self.warmup, 0)
    errors.check_number('l2', self.l2)
    errors.check_integer('batch_size', self.batch_size, 1)
    schedule.iterations(self.training_len, 1, 'training_len')
    schedule.iterations(self.interval, 1, 'evaluation_interval')

  @property
  def interval(self) -> schedule.Length:
    """The evaluation interval as the trainer wants it."""
    return ('iterations', self.evaluation_interval)

  def optimizer_fn(self) -> Any:
    """Returns a new Keras optimizer."""
    return optimizers.from_settings(
      self.optimizer, self.learning_rate, self.optimizer_settings, self.warmup
    )

  def replace(self: AnyRecipe, **values: Any) -> AnyRecipe:
    """Returns this recipe with other values, where they are not None."""
    names = [field.name for field in dataclasses.fields(self)]
    for name in sorted(set(values) - set(names)):
      hint = f'wanted one of {names}'
      raise errors.InputError(f'{name}: no such value of a recipe; {hint}')
    given = {k: _plain(v) for k, v in values.items() if v is not None}
    return dataclasses.replace(self, **self.complete(given))

  def complete(self, values: dict[str, Any]) -> dict[str, Any]:
    """Returns values for `replace` with all that follows from them."""
    return values

  def configuration(self) -> dict[str, Any]:
    """Returns all values, as they are read back from JSON."""
    values = _plain(dataclasses.asdict(self))
    return json.loads(json.dumps(values, default=lambda value: value.__name__))


def _plain(value: Any) -> Any:
  """Returns a value without types of NumPy's, and tuples for lists."""
  if isinstance(value, (np.ndarray, np.generic)):
    value = value.tolist()
  if isinstance(value, dict):
    return {key: _plain(item) for key, item in value.items()}
  is_list = isinstance(value, (list, tuple))
  return tuple(map(_plain, value)) if is_list else value
