"""Hostile input of lottery_ticket.foundations.masks."""

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from lottery_ticket.foundations import masks as masks_lib

TEXT = st.text('ab/\0', max_size=3)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
LISTS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3))
ARRAYS = st_numpy.arrays(
  st_numpy.scalar_dtypes(), st_numpy.array_shapes(min_dims=0, min_side=0)
)
NETWORKS = st.dictionaries(TEXT, LISTS | ARRAYS, max_size=3)


@hypothesis.given(NETWORKS | LISTS)
def test_any_masks(tame, masks):
  checked = tame(masks_lib.check, masks)
  for mask in (checked or {}).values():
    assert mask.dtype == np.float32 and set(mask.flat) <= {0, 1}
  if checked is not None:
    density = tame(masks_lib.density, checked)
    assert density is None or 0 <= density <= 1


@hypothesis.given(st.lists(NETWORKS | LISTS, max_size=3))
def test_any_masks_together(tame, several):
  united = tame(masks_lib.union, *several)
  common = tame(masks_lib.intersect, *several)
  assert (united is None) == (common is None)
  for name, mask in (common or {}).items():
    assert (mask <= united[name]).all()


@hypothesis.given(ARRAYS, ARRAYS)
def test_a_mask_of_another_shape_is_never_spread(tame, mask, weights):
  applied = tame(masks_lib.apply, {'x': mask != mask}, {'x': weights})
  assert (applied is not None) == (mask.shape == weights.shape)
