"""Sparse matrices of SciPy from a trained ticket."""

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib


def from_network(
  network: Mapping[str, np.ndarray], masks: masks_lib.Network
) -> dict[str, sparse.csr_array]:
  """Returns the kernels of a pruned network without their pruned weights.

  >>> network = {'a': np.array([[0.5, 0], [0, 0]]), 'a_bias': np.ones(2)}
  >>> kernel = from_network(network, {'a': np.array([[1, 0], [0, 1]])})['a']
  >>> kernel.nnz, (kernel.T @ [2, 3]).tolist()
  (2, [1.0, 0.0])

  Args:
    network: {parameter name: array}, like a run's final weights.
    masks: {layer name: 0/1 array, shape [..., inputs, units]}.

  Returns:
    {layer name: matrix, shape [inputs, units]}; of a convolution, the rows are
    the weights of a patch, row by row of it. It stores what the mask keeps,
    also a weight that is exactly 0.

  Raises:
    InputError: If a mask has no weights of its shape.
  """
  matrices = {}
  for name, mask in masks_lib.check(masks).items():
    kernel = np.asarray(network.get(name))
    if mask.ndim < 2 or kernel.shape != mask.shape:
      raise errors.InputError(
        f'network[{name!r}]: wanted a matrix of shape {list(mask.shape)} like'
        f' its mask, got {list(kernel.shape)}'
      )
    kernel, mask = (x.reshape(-1, mask.shape[-1]) for x in (kernel, mask))
    places = np.nonzero(mask)
    stored = sparse.coo_array((kernel[places], places), shape=mask.shape)
    matrices[name] = stored.tocsr()
  return matrices
