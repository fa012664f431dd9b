"""Training steps that skip pruned weights.

A pruned network is small, but its dense kernels are not: TensorFlow multiplies
by every 0. Here only the weights that are left exist. The method:

- Layout. What a unit gives for 64 images is one row of 64 floats, and a weight
  is an index into rows: a product of a layer is, for each of its weights, one
  row times a number, in registers. The same index serves the way forward, the
  way back and the weights' gradients (`sparse_kernels`).
- Many steps a call. A framework needs longer to begin an operation than a small
  ticket's products take. So numba compiles whole steps: gather the images,
  forward, loss, back, update, about a hundred times in one call.
- Images stay bytes in memory, where their inputs are bytes divided by a number
  for each image, and become rows as a batch is gathered.
- It is exact: only what has the gradient 0 and would stay 0 is left out, so
  also units from which no weight leads on, unless weights decay. Sums have
  another order than TensorFlow's, so results agree up to rounding; the same
  seed gives the same bytes.

SparseProp (Nikdan et al. 2023, arXiv 2302.04852) goes back over a sparse layer
at a cost that falls with its weights, too, one layer of PyTorch at a time.
"""

import hashlib
import os
import pathlib
import weakref
from collections.abc import Sequence
from typing import Any, TypeAlias

import filelock
import keras
import numba
import numpy as np
import tensorflow as tf
from absl import logging

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import execution
from lottery_ticket.foundations import layers as layers_lib
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import sparse_functions
from lottery_ticket.foundations import sparse_kernels as kernels
from lottery_ticket.foundations import sparse_rows

Network = masks_lib.Network
Layers = Sequence[layers_lib.Dense]
Optimizer: TypeAlias = keras.optimizers.Optimizer
Split = dataset_base.DatasetSplit

# Outputs a tile: their rows fill three quarters of a first cache of 32 KB.
_OUTPUTS = 100
_GROUP_BY_INPUT = 0.1  # Above this density the first layer's weights are.

_prepared: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class SparseSteps:
  """Trains a fully-connected network as `steps.Steps` does.

  Args:
    layers: The network's, from the first to the last. A layer `a` has the
      kernel `a` and, if there is one, the bias `a_bias`.
    optimizer: A new Keras optimizer, one that `execution.resolve` lets pass;
      None to measure alone.
    mostly_blank: Whether most inputs are 0, so that skipping them pays.
  """

  def __init__(
    self,
    layers: Layers,
    optimizer: Optimizer | None = None,
    mostly_blank: bool = False,
  ):
    self._layers, self._mostly_blank = layers, mostly_blank
    names = [layer.activation or 'linear' for layer in layers]
    self._activations = np.array([*map(execution.ACTIVATIONS.index, names)])
    self._optimizer = _Optimizer(optimizer or keras.optimizers.SGD())

  def load(self, weights: Network, masks: Network) -> None:
    """Begins a training, with the optimizer as if it were new.

    A layer without a mask, a 0/1 array, keeps all its weights.
    """
    kept = _kept(self._layers, weights, masks, self._optimizer.decay == 0)
    density = kept[0][:-1].mean()
    by_input = self._mostly_blank and density > _GROUP_BY_INPUT
    self._net, places = _network(kept, by_input, self._activations)
    ends = np.cumsum([len(of_layer) for of_layer in places])
    views = np.split(self._net.weights, ends[:-1])
    self._parts = [*zip(self._layers, places, views, strict=True)]
    # Features that no weight sees are never gathered.
    seen = np.flatnonzero(kept[0][:-1].any(axis=1))
    self._columns = np.unique(seen // sparse_rows.TILE * sparse_rows.TILE)
    self._optimizer.begin(len(self._net.weights))
    self.assign(weights)

  def assign(self, weights: Network) -> None:
    """Goes on from other weights, {parameter name: array} of all of them."""
    self._loaded = {name: array.copy() for name, array in weights.items()}
    for layer, places, values in self._parts:
      values[:] = _matrix(layer, weights).flat[places]

  def finish(self) -> None:
    """Ends a training; no optimizer is known that averages weights."""

  def unload(self) -> Network:
    """Returns {parameter name: array}, the weights as they are now."""
    network = {name: array.copy() for name, array in self._loaded.items()}
    for layer, places, values in self._parts:
      matrix = _matrix(layer, network)
      matrix.flat[places] = values
      network[layer.name] = matrix[:-1].copy()
      if f'{layer.name}_bias' in network:
        network[f'{layer.name}_bias'] = matrix[-1].copy()
    return network

  def state(self) -> list[np.ndarray]:
    """Returns all that further updates depend on."""
    optimizer = self._optimizer
    iteration = np.array(optimizer.iteration)
    return [self._net.weights, optimizer.rule.slots, iteration]

  def load_state(self, state: Sequence[np.ndarray]) -> None:
    """Goes on from what `state` gave, of steps that had begun like these."""
    self._net.weights[:], self._optimizer.rule.slots[:], iteration = state
    self._optimizer.iteration = int(iteration)

  def __call__(
    self,
    split: Split,
    order: tf.Tensor | np.ndarray,
    first: int,
    count: int,
    size: int,
  ) -> tuple[float, int]:
    """Trains on `count` batches, as `steps.Steps`; returns the same."""
    rates, decays = self._optimizer.rates(count)
    places = np.asarray(order)[first : first + count * size]
    batches = self._examples(split), places, size
    rule = self._optimizer.rule
    return _run(kernels.train, self._net, rule, *batches, rates, decays)

  def measure(self, split: Split) -> measurements.Measurement:
    """Measures the weights as they are now on all examples of a split."""
    loss, right = _run(kernels.evaluate, self._net, self._examples(split))
    return measurements.Measurement(loss / split.size, right / split.size)

  def _examples(self, split: Split) -> kernels.Examples:
    if split not in _prepared:
      _prepared[split] = _prepare(split)
    return _prepared[split]._replace(columns=self._columns)


class _Optimizer:
  """A Keras optimizer's rule and its rates, in float32 as Keras has them."""

  def __init__(self, optimizer: Optimizer):
    self._optimizer = optimizer
    config = optimizer.get_config()
    self.decay = np.float32(config['weight_decay'] or 0)
    is_adam = not isinstance(optimizer, keras.optimizers.SGD)
    if is_adam:
      betas = [config['beta_1'], config['beta_2']]
      numbers = [*(1 - beta for beta in betas), config['epsilon']]
      self._betas = np.array(betas, np.float32).astype(np.float64)
    else:
      numbers = [config['momentum']]
    nesterov = bool(config.get('nesterov'))
    self._settings = is_adam, np.array(numbers, np.float32), nesterov
    given = getattr(optimizer, '_learning_rate', None)
    self._schedule = _graph(given) if callable(given) else None

  def begin(self, size: int) -> None:
    """Starts anew, for so many weights."""
    self.iteration = 0
    self.rule = kernels.Rule(*self._settings, sparse_rows.zeros(2, size))

  def rates(self, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns rates and decays of the next iterations, float32 [count]."""
    iterations = np.arange(self.iteration, self.iteration + count)
    self.iteration += count
    if self._schedule is None:
      rate = np.float32(self._optimizer.learning_rate)
      rates = np.full(count, rate, np.float32)
    else:
      rates = self._schedule(iterations.astype(np.int32)).numpy()
    # All in float32: more digits would give other weights than Keras's.
    decays = rates * self.decay
    if self.rule.is_adam:
      powers = self._betas[:, np.newaxis] ** (iterations + 1)
      first, second = 1 - powers.astype(np.float32)
      rates = rates * np.sqrt(second) / first
    return rates, decays


def _graph(schedule: Any) -> Any:
  """Returns a graph that computes a schedule's rates of many iterations."""

  def rate(iteration: tf.Tensor) -> tf.Tensor:
    return tf.cast(schedule(iteration), tf.float32)

  return tf.function(
    lambda steps: tf.map_fn(rate, steps, fn_output_signature=tf.float32),
    input_signature=[tf.TensorSpec([None], tf.int32)],
    autograph=False,
  )


def _matrix(layer: layers_lib.Dense, network: Network) -> np.ndarray:
  """Returns a layer's kernel and, as its last row, its bias or 0."""
  kernel = network[layer.name]
  bias = network.get(f'{layer.name}_bias', np.zeros(kernel.shape[1], 'float32'))
  return np.concatenate([kernel, bias[np.newaxis]])


def _kept(
  layers: Layers, weights: Network, masks: Network, without_dead_ends: bool
) -> list[np.ndarray]:
  """Returns which weights are trained, of each layer's `_matrix`."""
  kept: list[np.ndarray] = []
  for layer in reversed(layers):
    shape = weights[layer.name].shape
    mask = masks.get(layer.name, np.ones(shape)) != 0
    has_bias = np.full((1, shape[1]), f'{layer.name}_bias' in weights)
    matrix = np.concatenate([mask, has_bias])
    if kept and without_dead_ends:  # Units from which no weight leads on.
      matrix &= kept[-1][:-1].any(axis=1)
    kept.append(matrix)
  return kept[::-1]


def _network(
  kept: list[np.ndarray], by_input: bool, activations: np.ndarray
) -> tuple[kernels.Network, list[np.ndarray]]:
  """Puts the weights that are kept in their order.

  Groups those of the first layer by input or, like the others, by unit. Returns
  a network whose weights are 0, and the places of each layer's weights in its
  `_matrix`, in the network's order.
  """
  inputs = len(kept[0]) - 1
  ones = -(-inputs // sparse_rows.TILE) * sparse_rows.TILE
  ends = ones + 1 + np.cumsum([0, *(matrix.shape[1] for matrix in kept)])
  tiles = np.zeros((0, ones + 2), np.int64)
  counts = np.zeros(ends[-1], np.int64)
  rows = np.append(np.arange(inputs), ones)
  others, places = [], []
  for layer, matrix in enumerate(kept):
    first, last = ends[layer], ends[layer + 1]
    if layer == 0 and by_input:
      # Tile by tile, since a tile's totals fit into the first cache.
      row, column = np.nonzero(matrix)
      order = np.argsort(column // _OUTPUTS, kind='stable')
      row, column = row[order], column[order]
      others.append(first + column)
      cells = column // _OUTPUTS * (ones + 1) + rows[row]  # Now in order.
      groups = np.arange(0, last - first, _OUTPUTS)[:, np.newaxis] // _OUTPUTS
      cell = groups * (ones + 1) + np.arange(ones + 2)
      tiles = np.searchsorted(cells, cell)
      counts[ones] = len(row)  # So that the units themselves have none.
    else:
      column, row = np.nonzero(matrix.T)
      others.append(rows[row])
      counts[first:last] = np.bincount(column, minlength=last - first)
    places.append(row * (last - first) + column)
    rows = np.append(np.arange(first, last), ones)
  starts = np.append(0, np.cumsum(counts))
  weights, gradients = sparse_rows.zeros(2, starts[-1])
  values, slopes, errors = sparse_rows.zeros(3, ends[-1], sparse_rows.WIDTH)
  values[ones] = 1  # What biases see.
  index = ends, activations, starts, np.concatenate(others).astype(np.uint32)
  arrays = tiles, weights, gradients, values, slopes, errors
  return kernels.Network(*index, *arrays), places


def _prepare(split: Split) -> kernels.Examples:
  """Returns a split's examples, as bytes where they are bytes divided."""
  inputs = np.asarray(split.values()).reshape(split.size, -1)
  features = inputs.shape[1]
  padding = -features % sparse_rows.TILE
  pixels = np.zeros((split.size, features + padding), np.uint8)
  divisors = np.ones(split.size, np.float32)
  if _run(kernels.to_bytes, inputs, pixels, divisors):
    inputs = pixels
  elif padding:
    inputs = np.pad(inputs, ((0, 0), (0, padding)))
  labels = np.asarray(split.labels)
  targets = np.zeros((0, 1), np.float32)
  if labels.ndim == 2:
    targets, labels = labels, labels.argmax(axis=1).astype(np.int32)
  return kernels.Examples(inputs, divisors, labels, targets, np.zeros(0, int))


def cache_folder() -> pathlib.Path:
  """Returns the folder of compiled code, of this version of the kernels."""
  default = f'{os.environ.get("XDG_CACHE_HOME") or "~/.cache"}/lottery_ticket'
  folder = pathlib.Path(os.environ.get('LOTTERY_TICKET_CACHE') or default)
  # numba looks whether the file of a kernel has changed, but not at the others.
  digest = hashlib.sha256(numba.__version__.encode())
  for module in (sparse_rows, sparse_functions, kernels):
    digest.update(pathlib.Path(str(module.__file__)).read_bytes())
  return folder.expanduser() / f'sparse-{digest.hexdigest()[:16]}'


def _compile(kernel: Any, args: Sequence[Any]) -> None:
  """Compiles a kernel, or loads what a process before this one compiled."""
  folder = cache_folder()
  config: Any = numba.config
  before = config.CACHE_DIR
  try:
    folder.mkdir(parents=True, exist_ok=True)
    config.CACHE_DIR = str(folder)
    kernel.enable_caching()
  except (OSError, RuntimeError) as error:
    logging.warning('Compiled code cannot be kept in %s: %s', folder, error)
    return
  finally:
    config.CACHE_DIR = before  # Others' kernels go where they always went.
  with filelock.FileLock(folder / 'lock'):  # Others wait, then load it.
    if not list(folder.rglob(f'*{kernel.__name__}*.nbi')):
      said = 'Compiling the sparse execution, once on this machine'
      logging.log_first_n(logging.WARNING, said, 1)
    kernel.compile(tuple(map(numba.typeof, args)))


def _run(kernel: Any, *args: Any) -> Any:
  """Calls a kernel."""
  if not kernel.overloads:
    _compile(kernel, args)
  return kernel(*args)
