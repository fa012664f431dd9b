"""Tests of lottery_ticket.analysis.matrices."""

import numpy as np
import pytest

from lottery_ticket.analysis import matrices
from lottery_ticket.foundations import errors


def test_products_are_those_of_the_network():
  generator = np.random.default_rng(0)
  mask = (generator.random((30, 20)) < 0.1).astype(np.float32)
  kernel = generator.normal(size=mask.shape).astype(np.float32) * mask
  kernel[np.nonzero(kernel)[0][0]] = 0  # Some that stay are 0.
  found = matrices.from_network({'a': kernel, 'a_bias': kernel[0]}, {'a': mask})
  assert list(found) == ['a']
  assert found['a'].nnz == mask.sum()
  assert found['a'].dtype == np.float32
  inputs = generator.normal(size=(5, 30)).astype(np.float32)
  np.testing.assert_allclose(inputs @ found['a'], inputs @ kernel, atol=1e-6)


def test_a_convolution_is_a_matrix_of_its_patches():
  generator = np.random.default_rng(0)
  mask = (generator.random((3, 3, 2, 4)) < 0.3).astype(np.float32)
  kernel = generator.normal(size=mask.shape).astype(np.float32) * mask
  found = matrices.from_network({'a': kernel}, {'a': mask})['a']
  images = generator.normal(size=(5, 3, 3, 2)).astype(np.float32)
  np.testing.assert_allclose(
    images.reshape(5, -1) @ found,
    np.einsum('nhwc,hwcf->nf', images, kernel),
    atol=1e-5,
  )


@pytest.mark.parametrize('network', [{}, {'a': np.ones((3, 2))}])
def test_a_mask_without_its_weights_is_refused(network):
  with pytest.raises(errors.InputError, match=r"network\['a'\]: wanted"):
    matrices.from_network(network, {'a': np.ones((2, 3))})
