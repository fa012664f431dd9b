"""Tests of the kernels, each against NumPy."""

import numpy as np
import pytest

from lottery_ticket.foundations import execution
from lottery_ticket.foundations import sparse_kernels as kernels
from lottery_ticket.foundations import sparse_rows

GENERATOR = np.random.default_rng(0)
RELU = execution.ACTIVATIONS.index('relu')


def _normal(*shape):
  return GENERATOR.normal(size=shape).astype(np.float32)


def _network(by_input):
  """Returns 16 inputs, 5 units and 3 classes, with half of the weights.

  Returns:
    The index; weights; kernels with a last row of biases, which belong to them.
  """
  masks = [GENERATOR.random(shape) < 0.5 for shape in ((17, 5), (6, 3))]
  dense = [_normal(*mask.shape) * mask for mask in masks]
  column, row = np.nonzero(masks[1].T)
  second = np.append(np.arange(17, 22), 16)[row], dense[1][row, column]
  ends = np.array([17, 22, 25])
  counts = np.zeros(25, np.int64)
  counts[22:] = masks[1].sum(axis=0)
  tiles = np.zeros((0, 18), np.int64)
  if by_input:
    groups = (slice(0, 2), slice(2, 5))
    cells = [np.nonzero(masks[0][:, group]) for group in groups]
    others = [cells[0][1] + 17, cells[1][1] + 19]
    weights = [
      dense[0][:, group][cell]
      for group, cell in zip(groups, cells, strict=True)
    ]
    first = np.concatenate(others), np.concatenate(weights)
    widths = [masks[0][:, group].sum(axis=1) for group in groups]
    tiles = np.stack([np.append(0, np.cumsum(width)) for width in widths])
    tiles[1] += tiles[0, -1]
    counts[16] = masks[0].sum()
  else:
    column, row = np.nonzero(masks[0].T)
    first = row, dense[0][row, column]
    counts[17:22] = masks[0].sum(axis=0)
  weights = np.concatenate([first[1], second[1]])
  net = kernels.Network(
    ends,
    np.array([RELU, 0]),
    np.append(0, np.cumsum(counts)),
    np.concatenate([first[0], second[0]]).astype(np.uint32),
    tiles,
    weights,
    np.ones_like(weights),
    *(sparse_rows.zeros(25, 64) for _ in range(3)),
  )
  net.values[16] = 1
  return net, dense, masks


def _with_ones(values):
  return np.concatenate([values, np.ones((1, 64), np.float32)])


@pytest.mark.parametrize('by_input', [False, True])
def test_goes_forward_and_back(by_input):
  net, dense, masks = _network(by_input)
  inputs, errors = _normal(16, 64), _normal(3, 64)
  inputs[3] = 0
  net.values[:16] = inputs
  kernels.forward(net)
  hidden = np.maximum(dense[0].T @ _with_ones(inputs), 0)
  logits = dense[1].T @ _with_ones(hidden)
  np.testing.assert_allclose(net.values[17:22], hidden, atol=1e-5)
  np.testing.assert_allclose(net.values[22:], logits, atol=1e-5)
  net.errors[22:] = errors
  kernels.backward(net)
  back = (dense[1][:-1] @ errors) * (hidden > 0)
  wanted = [_with_ones(inputs) @ back.T, _with_ones(hidden) @ errors.T]
  got = dict(zip(net.weights, net.gradients - 1, strict=True))
  for values, kernel, mask in zip(wanted, dense, masks, strict=True):
    for gradient, weight in zip(values[mask], kernel[mask], strict=True):
      assert abs(got[weight] - gradient) < 1e-4


def _examples(labels, targets):
  empty = np.zeros((len(labels), 0), np.float32)
  ones = np.ones(len(labels), np.float32)
  return kernels.Examples(empty, ones, labels, targets, np.zeros(0, np.int64))


@pytest.mark.parametrize('has_targets', [False, True])
def test_computes_the_loss_and_its_gradient(has_targets):
  logits = 5 * _normal(4, 64)
  labels = GENERATOR.integers(0, 4, 100).astype(np.int32)
  targets, given = np.eye(4, dtype=np.float32)[labels], np.zeros((0, 4), 'f')
  if has_targets:
    given = targets = GENERATOR.dirichlet(np.ones(4), 100).astype(np.float32)
    labels = targets.argmax(axis=1).astype(np.int32)
  places = GENERATOR.permutation(100)[:64].astype(np.int32)
  errors = np.zeros_like(logits)
  loss, right = kernels.classify(
    _examples(labels, given), places, 50, 200, logits, errors
  )
  softmax = np.exp(logits) / np.exp(logits).sum(axis=0)
  wanted = (softmax - targets[places].T) / 200
  wanted[:, 50:] = 0
  np.testing.assert_allclose(errors, wanted, atol=1e-8)
  losses = -(targets[places].T * np.log(softmax)).sum(axis=0)
  np.testing.assert_allclose(loss, losses[:50].sum(), rtol=1e-5)
  assert right == (logits.argmax(axis=0) == labels[places])[:50].sum()


def test_the_first_of_equal_logits_wins():
  logits = np.ones((4, 64), np.float32)
  examples = _examples(np.zeros(64, np.int32), np.zeros((0, 4), 'f'))
  places = np.arange(64, dtype=np.int32)
  _, right = kernels.classify(examples, places, 64, 1, logits, logits.copy())
  assert right == 64


def _update(numbers, is_adam, nesterov=False, decay=0.0, steps=3):
  weights, slots = np.ones(5, np.float32), np.zeros((2, 5), np.float32)
  rule = kernels.Rule(is_adam, np.array(numbers, 'f'), nesterov, slots)
  gradients = np.arange(5, dtype=np.float32)
  for _ in range(steps):
    kernels.update(rule, weights, gradients, np.float32(0.1), np.float32(decay))
  return weights


def test_updates_by_hand():
  slope = np.arange(5)
  sgd = 1 - 0.1 * slope - 0.1 * slope - 0.1 * slope
  np.testing.assert_allclose(_update([0], False), sgd, atol=1e-6)
  momentum = 1 - 0.1 * slope * (1 + 1.5 + 1.75)
  np.testing.assert_allclose(_update([0.5], False), momentum, atol=1e-6)
  nesterov = 1 - 0.1 * slope * (1.5 + 1.75 + 1.875)
  np.testing.assert_allclose(_update([0.5], False, True), nesterov, atol=1e-6)
  decayed = 0.8 - 0.1 * slope
  got = _update([0], False, decay=0.2, steps=1)
  np.testing.assert_allclose(got, decayed, atol=1e-6)
  mean, square = 0.1 * slope, 0.01 * slope**2
  adam = 1 - 0.1 * mean / (square**0.5 + 0.5)
  got = _update([0.1, 0.01, 0.5], True, steps=1)
  np.testing.assert_allclose(got, adam, atol=1e-6)


def test_finds_bytes():
  pixels = GENERATOR.integers(0, 256, (20, 30)).astype(np.uint8)
  pixels[0], pixels[1] = 0, pixels[1] // 2
  divisors = np.full(20, 255, np.float32)
  divisors[10:] = GENERATOR.uniform(1, 3000, 10)
  inputs = pixels / divisors[:, np.newaxis]
  found, by = np.zeros((20, 32), np.uint8), np.zeros(20, np.float32)
  assert kernels.to_bytes(inputs, found, by)
  np.testing.assert_array_equal(found[:, :30] / by[:, np.newaxis], inputs)
  for wrong in (-inputs, inputs + 0.01, _normal(20, 30), inputs * np.nan):
    assert not kernels.to_bytes(wrong.astype(np.float32), found, by)
