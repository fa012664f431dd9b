"""A recipe: the hyperparameters of an experiment, by name and as flags."""

import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule

HIDDEN_PERCENT = 0.2  # Of the survivors, a round.
LAST_PERCENT = 0.1  # The layer that gives the logits has few weights.

Layer = tuple[int, str | None]
Function = TypeVar('Function', bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Recipe:
  """The hyperparameters of an experiment; by default the paper's.

  Attributes:
    layers: Units, or (units, activation), of each layer, the paper's [300, 100,
      10]; hidden ones are ReLUs.
    kernel_initializer: Name of a Keras initializer; the paper's glorot_normal.
    optimizer: Name of a Keras optimizer; the paper's Adam.
    learning_rate: Its learning rate; the paper's 0.0012.
    optimizer_settings: Its other settings, like {'momentum': 0.9}.
    batch_size: Examples a batch; the paper's 60.
    training_len: ('iterations', n) or ('epochs', n); the paper's 50,000
      iterations.
    scaling: Of the images: unit (to [0, 1], the paper's), standard (to mean 0
      and deviation 1) or l2 (each image to length 1).
    validation_size: Examples set aside for validation; the paper's 5,000.
    evaluation_interval: Iterations between two evaluations; the paper's 100.
    prune_percents: {layer name: the fraction to prune a round}; a layer left
      out is not pruned; by default 0.2, of the last layer 0.1.
    pruner: By what to prune: magnitude (the paper's), global_magnitude, random
      or another one of `PRUNERS` in `foundations/pruner.py`.
  """

  layers: tuple[Layer, ...] = ((300, 'relu'), (100, 'relu'), (10, None))
  kernel_initializer: str = 'glorot_normal'
  optimizer: str = 'Adam'
  learning_rate: float = 1.2e-3
  optimizer_settings: dict[str, Any] = dataclasses.field(default_factory=dict)
  batch_size: int = 60
  training_len: schedule.Length = ('iterations', 50_000)
  scaling: str = 'unit'
  validation_size: int = 5_000
  evaluation_interval: int = 100
  prune_percents: dict[str, float] = None  # type: ignore[assignment]
  pruner: str = 'magnitude'

  def __post_init__(self) -> None:
    """Brings the layers into one form and checks what is checked nowhere else.

    Raises:
      InputError: If a value is of no use.
    """
    object.__setattr__(self, 'layers', _layers(self.layers))
    names = [f'layer{i}' for i in range(len(self.layers))]
    if self.prune_percents is None:
      percents = dict.fromkeys(names, HIDDEN_PERCENT) | {
        names[-1]: LAST_PERCENT
      }
      object.__setattr__(self, 'prune_percents', percents)
    pruner.get(self.pruner)
    pruner.check_percents(self.prune_percents)
    for name in self.prune_percents:
      if name not in names:
        raise errors.InputError(
          f'prune_percents[{name!r}]: no such layer; wanted some of {names}'
        )
    if not isinstance(self.optimizer_settings, dict):
      raise errors.InputError(
        'optimizer_settings: wanted a dictionary,'
        f' got {self.optimizer_settings!r}'
      )
    rate = self.learning_rate
    is_number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    if not is_number or not 0 < rate < math.inf:
      raise errors.InputError(
        f'learning_rate: wanted a finite number above 0, got {rate!r}'
      )
    for name, least in (('batch_size', 1), ('validation_size', 0)):
      value = errors.check_integer(name, getattr(self, name), least)
      object.__setattr__(self, name, value)
    schedule.iterations(self.training_len, 1, 'training_len')
    schedule.iterations(self.interval, 1, 'evaluation_interval')

  @property
  def hyperparameters(self) -> dict[str, Any]:
    """What `ModelFc` wants."""
    return {
      'layers': list(self.layers),
      'kernel_initializer': self.kernel_initializer,
    }

  @property
  def interval(self) -> schedule.Length:
    """The evaluation interval as the trainer wants it."""
    return ('iterations', self.evaluation_interval)

  def optimizer_fn(self) -> Any:
    """Returns a new Keras optimizer.

    Raises:
      InputError: If there is no such optimizer, or it takes no such setting.
    """
    optimizer_class = _optimizer_class(self.optimizer)
    try:
      return optimizer_class(
        learning_rate=self.learning_rate, **self.optimizer_settings
      )
    except (TypeError, ValueError) as error:
      raise errors.InputError(
        f'optimizer_settings: {self.optimizer} does not take'
        f' {self.optimizer_settings!r}: {error}'
      ) from None

  def replace(self, **values: Any) -> 'Recipe':
    """Returns this recipe with other values; a value of None changes nothing.

    Raises:
      InputError: If a name is not a recipe's, or a value is of no use.
    """
    names = [field.name for field in dataclasses.fields(self)]
    for name in values:
      if name not in names:
        raise errors.InputError(
          f'{name}: no such value of a recipe; wanted one of {names}'
        )
    given = {name: value for name, value in values.items() if value is not None}
    if 'layers' in given and 'prune_percents' not in given:
      given['prune_percents'] = None  # As many as there are layers.
    return dataclasses.replace(self, **given)

  def configuration(self) -> dict[str, Any]:
    """Returns all values, as JSON can hold them."""
    return save_restore.plain(dataclasses.asdict(self))

  def check_reset(self, reset: str | int) -> str | int:
    """Returns what the weights that are left are reset to, an integer as such.

    Args:
      reset: 'initial', 'final', or an iteration of the dense network's
        training, which may be text, as in a flag.

    Raises:
      InputError: If it is anything else, or training is not that long.
    """
    if isinstance(reset, str) and reset.isdecimal():
      reset = int(reset)
    unit, count = self.training_len
    longest = count if unit == 'iterations' else math.inf
    iteration = errors.read_integer(reset)
    if iteration is not None and 1 <= iteration <= longest:
      return iteration
    if reset not in ('initial', 'final'):
      upto = f'1 to {longest}' if unit == 'iterations' else '1'
      raise errors.InputError(
        f"reset: wanted 'initial', 'final' or an iteration from {upto},"
        f' got {reset!r}'
      )
    return reset


def takes_values(function: Function) -> Function:
  """Shows a function's `**values` as a recipe's values, one by one.

  They stand in its signature, which flags are checked against, and in its
  docstring, which --help shows.
  """
  signature = inspect.signature(function)
  parameters = [
    parameter
    for parameter in signature.parameters.values()
    if parameter.kind is not inspect.Parameter.VAR_KEYWORD
  ]
  taken = {parameter.name for parameter in parameters}
  parameters += [
    inspect.Parameter(
      field.name,
      inspect.Parameter.KEYWORD_ONLY,
      default=None,
      annotation=field.type,
    )
    for field in dataclasses.fields(Recipe)
    if field.name not in taken
  ]
  function.__signature__ = signature.replace(  # type: ignore[attr-defined]
    parameters=parameters
  )
  described = re.finditer(
    r'^  (\w+): .*\n(?:    .*\n)*',
    inspect.cleandoc(Recipe.__doc__ or '') + '\n',
    flags=re.MULTILINE,
  )
  values = ''.join(match[0] for match in described if match[1] not in taken)
  function.__doc__ = re.sub(
    r'^  \*\*values: .*\n',
    lambda _: values,
    inspect.cleandoc(function.__doc__ or '') + '\n',
    flags=re.MULTILINE,
  )
  return function


def _layers(layers: Any) -> tuple[Layer, ...]:
  """Returns layers as ((units, activation), ...)."""
  if not isinstance(layers, (list, tuple)) or not layers:
    raise errors.InputError(
      f'layers: wanted units, or (units, activation), of each, got {layers!r}'
    )
  last = len(layers) - 1
  pairs = [
    layer
    if errors.read_integer(layer) is None
    else (layer, None if i == last else 'relu')
    for i, layer in enumerate(layers)
  ]
  for pair in pairs:
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
      raise errors.InputError(
        f'layers: wanted units, or (units, activation), got {pair!r}'
      )
  return tuple((units, activation) for units, activation in pairs)


@functools.cache
def _optimizer_class(name: str) -> Any:
  import keras  # Late: a recipe's names and numbers need no TensorFlow.

  classes = {
    key.lower(): value
    for key, value in vars(keras.optimizers).items()
    if isinstance(value, type)
    and issubclass(value, keras.optimizers.Optimizer)
    and value is not keras.optimizers.Optimizer
  }
  if not isinstance(name, str) or name.lower() not in classes:
    known = sorted(value.__name__ for value in classes.values())
    raise errors.InputError(f'optimizer: wanted one of {known}, got {name!r}')
  return classes[name.lower()]
