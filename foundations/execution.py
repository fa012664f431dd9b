"""What executes a training: dense products, or the weights that are left.

`sparse` computes with the weights that are left alone (`sparse_steps`), as far
as it knows a model and an optimizer. `dense` multiplies whole kernels in
TensorFlow, and knows everything. `auto` is the faster one of them, by a rule
that looks at densities and shapes and never at a clock: the same run is
executed in the same way each time.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from absl import logging

from lottery_ticket.foundations import backend
from lottery_ticket.foundations import errors

if TYPE_CHECKING:  # A recipe's check needs no TensorFlow.
  import keras

  from lottery_ticket.foundations import dataset_base
  from lottery_ticket.foundations import model_base

  Model = model_base.ModelBase
  Split = dataset_base.DatasetSplit
  Optimizer: TypeAlias = keras.optimizers.Optimizer

CHOICES = ('auto', 'dense', 'sparse')
ACTIVATIONS = ('linear', 'relu', 'tanh', 'sigmoid', 'elu', 'softplus', 'gelu')
"""Names in Keras of those that the sparse execution knows."""

_REFUSED_SETTINGS = (
  *('amsgrad', 'clipnorm', 'clipvalue', 'global_clipnorm', 'use_ema'),
  *('gradient_accumulation_steps', 'loss_scale_factor'),
)
_WIDTH = 64  # Images that the sparse execution computes with at a time.
# As measured: a weight costs as much as 2.4 of a dense kernel in a batch that
# fills its rows, 3 where rows fill the second cache, and less in a first layer
# that can skip blank inputs. A dense step costs as much as 20 examples besides.
_LIMIT, _LIMIT_OF_LARGE, _LARGE = 0.42, 0.33, 2_000
_SKIPPING, _EXAMPLES = 0.75, 20


def check(execution: Any) -> str:
  """Returns one of the choices, or raises InputError."""
  return errors.check_choice('execution', execution, [*CHOICES])


def resolve(
  execution: str,
  model: Model,
  split: Split,
  batch_size: int = _WIDTH,
  optimizer: Optimizer | None = None,
) -> str:
  """Returns `dense` or `sparse`, for a model whose variables are made.

  The split, in batches of `batch_size` examples, is what to train or measure it
  on; an optimizer is what trains it, if anything does.

  Raises:
    InputError: If `sparse` is wanted of what it does not know.
  """
  if check(execution) == 'dense':
    return 'dense'
  reason = next(_unknown(model, split, optimizer), None)
  is_free = execution == 'auto'
  if is_free and (reason or not _is_faster(model, split, batch_size)):
    return 'dense'
  if reason is None and importlib.util.find_spec('numba') is None:
    reason = 'this installation, without numba (extra `sparse`)'
    said = 'Pruned weights are not skipped: numba is missing'
    logging.log_first_n(logging.WARNING, said, 1)
  if reason and not is_free:
    raise errors.InputError(
      f'execution: sparse does not know {reason}; use auto or dense'
    )
  return 'dense' if reason else 'sparse'


def sparse_steps(
  model: Model, split: Split, optimizer: Optimizer | None = None
) -> Any:
  """Returns steps with a model's weights and masks, as `resolve` allows."""
  from lottery_ticket.foundations import sparse_steps as module  # Has numba.

  parts: Any = model.architecture()  # Of dense layers, as `resolve` has seen.
  steps = module.SparseSteps(parts, optimizer, _is_mostly_blank(split))
  steps.load(model.get_current_weights(), model.masks)
  return steps


def _unknown(
  model: Model, split: Split, optimizer: Optimizer | None
) -> Iterator[str]:
  """Yields what the sparse execution does not know."""
  from lottery_ticket.foundations import layers
  from lottery_ticket.foundations import model_base
  from lottery_ticket.foundations import model_checks

  name, parts = type(model).__name__, model.architecture()
  if not isinstance(parts, tuple) or not all(
    isinstance(part, layers.Dense) for part in parts
  ):
    yield f'{name}: its architecture() does not say which dense layers it has'
    return
  names = {part.name + end for part in parts for end in ('', '_bias')}
  for parameter in sorted(set(model.parameters) - names):
    yield f'parameter {parameter!r} of {name}'
  for method in ('loss', 'accuracy'):
    known = getattr(model_base.ModelBase, method)
    if getattr(type(model), method) is not known:
      yield f"{name}'s own {method}"
  if model_checks.has_own_methods(model):
    yield f'methods of one {name} alone'
  if model.l2:
    yield f'l2={model.l2!r} of {name}'
  for part in parts:
    if part.activation not in (None, *ACTIVATIONS):
      yield f'activation {part.activation!r}'
  if split.augment is not None:
    yield 'examples that are augmented'
  if optimizer is not None:
    yield from _unknown_settings(optimizer)


def _unknown_settings(optimizer: Optimizer) -> Iterator[str]:
  from keras import optimizers as known

  from lottery_ticket.foundations import optimizers

  kind = type(optimizer)
  if kind not in (known.SGD, known.Adam, known.AdamW):
    yield f'optimizer {kind.__name__}'
  config = optimizer.get_config()
  settings = {name: config.get(name) for name in _REFUSED_SETTINGS}
  for name, value in (settings | optimizers.changes(optimizer)).items():
    if value:
      yield f'{kind.__name__} with {name}={value!r}'
  rate = getattr(optimizer, '_learning_rate', None)
  schedule = known.schedules.LearningRateSchedule
  if callable(rate) and not isinstance(rate, schedule):
    yield f'{kind.__name__} with a function as learning rate'


def _is_faster(model: Model, split: Split, batch_size: int) -> bool:
  """Tells whether skipping pruned weights saves time."""
  if backend.deterministic_gpus():  # Nobody has measured on these.
    return False
  parts: Any = model.architecture()
  masks = [model.masks[part.name] for part in parts]
  costs = [float(np.count_nonzero(mask)) for mask in masks]
  if _is_mostly_blank(split):
    costs[0] *= _SKIPPING
  work = sum(costs) / sum(mask.size for mask in masks)
  filled = -(-batch_size // _WIDTH) * _WIDTH
  rows = len(masks[0]) + sum(mask.shape[1] for mask in masks)
  limit = _LIMIT if rows <= _LARGE else _LIMIT_OF_LARGE
  return work * filled / (batch_size + _EXAMPLES) <= limit


def _is_mostly_blank(split: Split) -> bool:
  """Tells whether most inputs of a split are 0, by its first examples."""
  return bool(np.mean(split.values(slice(1_000)) == 0) > 0.5)
