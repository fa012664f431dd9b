"""Training of pruned networks, as kernels that numba compiles.

Values are rows: one feature, or one unit's output, of 64 images (see
`sparse_rows`). Row after row come the inputs, one row of ones, and the units
of all layers. A bias is a weight of the row of ones, and a pruned weight is
not there. So a network is a list of weights, and unit u sums

  z_u = sum over its weights j of  w_j x_s(j),    x_u = f(z_u)         (forward)

over the rows s(j) that they come from. With e_u for the gradient of the loss
with respect to x_u, and d_u = f'(z_u) e_u, the chain rule goes back over the
same weights:

  e_s(j) += w_j d_u,    g_j = d_u . x_s(j)  (summed over images)      (backward)

The three sums are `pull`, `push` and `dots`. The first layer of a network with
many weights left has its weights grouped by input instead, in tiles of outputs
that stay in the first cache, so that a pixel that is blank in all 64 images is
skipped: `push` then goes forward.

Every sum has one order, so the same arguments give the same bytes.
"""

from typing import NamedTuple

import numba
import numpy as np

from lottery_ticket.foundations import sparse_functions
from lottery_ticket.foundations import sparse_rows as rows_lib

WIDTH = rows_lib.WIDTH
TILE = rows_lib.TILE

Array = np.ndarray
Row = rows_lib.Row

# Without error_model, a division by 0 would be looked for at each division.
_njit = numba.njit(error_model='numpy')
_inline = numba.njit(error_model='numpy', forceinline=True)


class Network(NamedTuple):
  """A network of n weights, to compute in; rows are float32 [rows, 64]."""

  ends: Array  # int64, first row of each layer's units, and the number of rows.
  activations: Array  # int64, each layer's place in `execution.ACTIVATIONS`.
  starts: Array  # int64 [rows + 1], the first weight of each unit's row.
  # uint32 [n], each weight's other end: the row that it comes from, or the
  # unit's row where weights are grouped by input.
  others: Array
  # int64 [tiles, inputs + 2], where the first layer is grouped by input: the
  # first weight of each input (and of the ones) in each tile of outputs.
  tiles: Array
  weights: Array  # float32 [n].
  gradients: Array  # float32 [n].
  values: Array  # Rows: inputs, ones, and outputs of all units.
  slopes: Array  # Rows: derivatives of the activations.
  errors: Array  # Rows: gradients of the loss with respect to values.


class Examples(NamedTuple):
  """Examples of a split; n is their number."""

  inputs: Array  # uint8 or float32 [n, features], a multiple of 16 of these.
  divisors: Array  # float32 [n]; uint8 inputs are divided by it.
  labels: Array  # int32 [n], classes.
  targets: Array  # float32 [n, classes], distributions over these, or no rows.
  columns: Array  # int64, every 16th feature; from it on some weight sees one.


class Rule(NamedTuple):
  """How an optimizer changes n weights."""

  is_adam: bool  # Adam, or else SGD.
  numbers: Array  # float32; 1 - beta_1, 1 - beta_2 and epsilon; or momentum.
  nesterov: bool  # Whether SGD looks ahead.
  # float32 [2, n]; Adam's means of gradients and their squares, or SGD's
  # velocities.
  slots: Array


@_inline
def pull(
  values: Array, unit: int, first: int, last: int, others: Array, weights: Array
) -> None:
  """Sets values[unit] to the sum of weights[j] values[others[j]]."""
  total = rows_lib.splat(np.float32(0))
  for j in range(first, last):
    total = rows_lib.fma(weights[j], rows_lib.load(values, others[j]), total)
  rows_lib.store(values, unit, total)


@_inline
def push(
  row: Row, totals: Array, first: int, last: int, others: Array, weights: Array
) -> None:
  """Adds weights[j] row to totals[others[j]], for each j."""
  for j in range(first, last):
    total = rows_lib.load(totals, others[j])
    rows_lib.store(totals, others[j], rows_lib.fma(weights[j], row, total))


@_inline
def dots(
  row: Row, values: Array, first: int, last: int, others: Array, sums: Array
) -> None:
  """Adds the product row . values[others[j]] to sums[j], for each j."""
  quads = first + (last - first) // 4 * 4
  for j in range(first, quads, 4):
    a, b, c, d = rows_lib.dots(
      row, values, others[j], others[j + 1], others[j + 2], others[j + 3]
    )
    sums[j] += a
    sums[j + 1] += b
    sums[j + 2] += c
    sums[j + 3] += d
  if quads < last:  # Some of the four are computed again and dropped.
    middle, end = min(quads + 1, last - 1), last - 1
    a, b, c, _ = rows_lib.dots(
      row, values, others[quads], others[middle], others[end], others[end]
    )
    sums[quads] += a
    if middle > quads:
      sums[middle] += b
    if end > middle:
      sums[end] += c


@_njit
def forward(net: Network) -> None:
  """Computes the values of all units, from those of the inputs."""
  for layer in range(len(net.activations)):
    first, last = net.ends[layer], net.ends[layer + 1]
    if layer == 0 and len(net.tiles) > 0:
      net.values[first:last] = 0
      _by_input(net, True)
    else:
      for unit in range(first, last):
        start, end = net.starts[unit], net.starts[unit + 1]
        pull(net.values, unit, start, end, net.others, net.weights)
    sparse_functions.activate(
      net.activations[layer],
      net.values[first:last].reshape(-1),
      net.slopes[first:last].reshape(-1),
    )


@_inline
def _by_input(net: Network, is_forward: bool) -> None:
  """Passes over weights that are grouped by input, forward or back."""
  for tile in range(len(net.tiles)):
    starts = net.tiles[tile]
    for i in range(len(starts) - 1):
      row, start, end = rows_lib.load(net.values, i), starts[i], starts[i + 1]
      if start >= end or rows_lib.is_blank(row):
        continue
      if is_forward:
        push(row, net.values, start, end, net.others, net.weights)
      else:
        dots(row, net.errors, start, end, net.others, net.gradients)


@_njit
def backward(net: Network) -> None:
  """Adds the gradient of each weight, from the errors of the last layer.

  The other layers' errors are 0 before, and gradients with respect to z after.
  """
  for layer in range(len(net.activations) - 1, -1, -1):
    for unit in range(net.ends[layer], net.ends[layer + 1]):
      slope = rows_lib.load(net.slopes, unit)
      error = rows_lib.multiply(rows_lib.load(net.errors, unit), slope)
      rows_lib.store(net.errors, unit, error)
      start, end = net.starts[unit], net.starts[unit + 1]
      if layer > 0:  # Nobody asks for the inputs' gradients.
        push(error, net.errors, start, end, net.others, net.weights)
      dots(error, net.values, start, end, net.others, net.gradients)
  _by_input(net, False)


@_njit
def gather(examples: Examples, places: Array, values: Array) -> None:
  """Sets the first rows of values to the inputs of the examples at places."""
  inputs, divisors = examples.inputs, examples.divisors[places]
  for image in range(0, WIDTH, TILE):
    for column in examples.columns:
      rows_lib.gather_tile(inputs, places, divisors, image, column, values)


@_njit
def classify(
  examples: Examples,
  places: Array,
  size: int,
  batch: int,
  logits: Array,
  errors: Array,
) -> tuple[float, int]:
  """Computes the cross-entropy of the first `size` examples at places.

  Errors, float32 [classes, 64] like logits, get the gradient of the mean loss
  over `batch` examples. Returns the summed loss, and the number right.
  """
  classes = len(logits)
  # Differences from the largest logit are at most 0: no exp overflows.
  largest = logits[0].copy()
  best = np.zeros(WIDTH, np.int32)
  for c in range(1, classes):
    for i in range(WIDTH):
      is_larger = logits[c, i] > largest[i]
      best[i] = c if is_larger else best[i]
      largest[i] = logits[c, i] if is_larger else largest[i]
  total = np.zeros(WIDTH, np.float32)
  for c in range(classes):
    for i in range(WIDTH):
      errors[c, i] = sparse_functions.exp(logits[c, i] - largest[i])
      total[i] += errors[c, i]
  errors /= total
  # Examples that merely fill the row must leave gradients as they are.
  errors[:, size:] = 0
  loss, right = 0.0, 0
  for i in range(size):
    place = places[i]
    right += best[i] == examples.labels[place]
    log_total = np.log(total[i]) + largest[i]
    if len(examples.targets) > 0:
      for c in range(classes):
        target = examples.targets[place, c]
        errors[c, i] -= target
        loss += target * (log_total - logits[c, i])
    else:
      label = examples.labels[place]
      errors[label, i] -= np.float32(1)
      loss += log_total - logits[label, i]
  errors *= np.float32(1) / np.float32(batch)
  return loss, right


@_njit
def update(
  rule: Rule, weights: Array, gradients: Array, rate: float, decay: float
) -> None:
  """Changes weights as a Keras optimizer does.

  Rate and decay, float32, are the learning rate, Adam's with its correction of
  the bias, and the part of each weight that goes first.
  """
  numbers, first, second = rule.numbers, rule.slots[0], rule.slots[1]
  if decay != 0:  # Before the step, as Keras does.
    for j in range(len(weights)):
      weights[j] -= weights[j] * decay
  if rule.is_adam:
    for j in range(len(weights)):
      gradient = gradients[j]
      first[j] += (gradient - first[j]) * numbers[0]
      second[j] += (gradient * gradient - second[j]) * numbers[1]
      step = first[j] * rate / (np.sqrt(second[j]) + numbers[2])
      weights[j] -= step
  elif numbers[0] == 0:
    for j in range(len(weights)):
      weights[j] -= gradients[j] * rate
  else:
    momentum = numbers[0]
    for j in range(len(weights)):
      step = gradients[j] * rate
      first[j] = first[j] * momentum - step
      ahead = first[j] * momentum - step
      weights[j] += ahead if rule.nesterov else first[j]


@_njit
def train(
  net: Network,
  rule: Rule,
  examples: Examples,
  order: Array,
  batch: int,
  rates: Array,
  decays: Array,
) -> tuple[float, int]:
  """Makes one update for each of the rates: weights and slots change.

  The network's row of ones holds ones. The order, int32, has the examples of
  all batches, one batch after the other; rates and decays, float32 [updates],
  are as in `update`. Returns the summed loss, and the number right.
  """
  hidden = net.errors[net.ends[0] : net.ends[-2]]
  loss, right = 0.0, 0
  for step in range(len(rates)):
    net.gradients[:] = 0
    # Batches above 64 add up the gradients of several rows' widths.
    for start in range(0, batch, WIDTH):
      first, count = step * batch + start, batch - start
      hidden[:] = 0
      losses, rights = _measure(net, examples, order, first, count, batch)
      backward(net)
      loss += losses
      right += rights
    update(rule, net.weights, net.gradients, rates[step], decays[step])
  return loss, right


@_njit
def evaluate(net: Network, examples: Examples) -> tuple[float, int]:
  """Returns the summed loss and the number right, of all examples."""
  order = np.arange(len(examples.inputs)).astype(np.int32)
  loss, right = 0.0, 0
  for first in range(0, len(order), WIDTH):
    count = len(order) - first
    losses, rights = _measure(net, examples, order, first, count, 1)
    loss += losses
    right += rights
  return loss, right


@_njit
def _measure(
  net: Network, examples: Examples, order: Array, at: int, left: int, batch: int
) -> tuple[float, int]:
  """Classifies the next `left` examples in an order, 64 at most."""
  size = min(left, WIDTH)
  # A row is always full: with the first of them, again.
  places = np.full(WIDTH, order[at])
  places[:size] = order[at : at + size]
  gather(examples, places, net.values)
  forward(net)
  classes = net.ends[-2]
  logits, errors = net.values[classes:], net.errors[classes:]
  return classify(examples, places, size, batch, logits, errors)


@_njit
def to_bytes(inputs: Array, pixels: Array, divisors: Array) -> bool:
  """Finds bytes, and a divisor for each example, that give the inputs exactly.

  Inputs are float32 [n, features]; pixels, uint8, may have more features. Tells
  whether all examples have such.
  """
  for i in range(len(inputs)):
    divisors[i] = _divisor(inputs[i], pixels[i])
    if divisors[i] == 0:
      return False
  return True


@_njit
def _divisor(inputs: Array, pixels: Array) -> float:
  """Finds an example's bytes; returns what to divide them by, or 0."""
  top = inputs.max()
  if top <= 0:
    return np.float32(top == 0 and inputs.min() == 0)
  # Mostly the brightest pixel is 255. The divisor was rounded itself.
  for brightest in range(255, 0, -1):
    # In float64, for the one rounding that a divisor itself would have.
    divisor = np.float32(brightest / np.float64(top))
    wrong = 0  # Counted, since a loop that may end early is slow.
    for f in range(len(inputs)):
      x = inputs[f] * divisor
      nearest = np.rint(x)
      wrong += not (0 <= nearest <= 255 and abs(x - nearest) < 1e-3)
      pixels[f] = np.uint8(nearest)
    if wrong > 0:
      continue
    for ulps in (0, 1, -1, 2, -2):
      bits = divisor.view(np.int32) + np.int32(ulps)
      near = np.int32(bits).view(np.float32)
      wrong = 0
      for f in range(len(inputs)):
        wrong += np.float32(pixels[f]) / near != inputs[f]
      if wrong == 0:
        return near
  return np.float32(0)
