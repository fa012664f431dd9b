"""Tests of the networks in lottery_ticket.models against what papers say."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import pruner
from lottery_ticket.models import conv
from lottery_ticket.models import lenet5
from lottery_ticket.models import resnet

SMALL, LARGE = [1, 28, 28], [1, 32, 32, 3]
BY_KIND = {'conv*': 0.1, 'dense*': 0.2, 'output': 0.1}
# {name: (model, images, percents, pruner, weights, of convolutions, P_m)}.
NETWORKS = {
  'lenet5': (
    lenet5.LeNet5(seed=1),
    SMALL,
    (BY_KIND, 'magnitude'),
    (61_470, 2_550),
    '80.55 64.94 52.40 42.32 34.22 27.70 22.45 18.22 14.82 12.07 9.85 8.05'
    ' 6.59 5.41 4.46 3.68',
  ),
  'caffe': (
    lenet5.LeNet5(seed=1, **lenet5.CAFFE),
    SMALL,
    (BY_KIND, 'magnitude'),
    (430_500, 25_500),
    '80.71 65.20 52.74 42.71 34.63 28.12 22.87 18.64 15.22 12.45 10.20 8.39'
    ' 6.91 5.71 4.73 3.93',
  ),
  'conv2': (
    conv.Conv(seed=1, **conv.CONV2),
    LARGE,
    (BY_KIND, 'magnitude'),
    (4_300_992, 38_592),
    '80.10 64.16 51.41 41.20 33.02 26.47 21.23 17.03 13.66 10.97 8.81 7.08'
    ' 5.69 4.57 3.68 2.97 2.39 1.93',
  ),
  'conv4': (
    conv.Conv(seed=1, **conv.CONV4),
    LARGE,
    (BY_KIND, 'magnitude'),
    (2_425_024, 259_776),
    '81.08 65.84 53.55 43.63 35.61 29.13 23.88 19.62 16.16 13.35 11.06 9.18'
    ' 7.65 6.40 5.37 4.51 3.81 3.23 2.75 2.34 2.01',
  ),
  'conv6': (
    conv.Conv(seed=1, **conv.CONV6),
    LARGE,
    (BY_KIND | {'conv*': 0.15}, 'magnitude'),
    (2_261_184, 1_144_512),
    '82.54 68.20 56.39 46.68 38.67 32.07 26.61 22.11 18.38 15.29 12.74 10.62'
    ' 8.86 7.39 6.18 5.17 4.32 3.62 3.03 2.54 2.13',
  ),
  'resnet20': (
    resnet.ResNet(seed=1),
    LARGE,
    ({'*conv*': 0.2}, 'global_magnitude'),
    (270_896, 267_696),
    '80.24 64.43 51.78 41.66 33.56 27.09 21.91 17.76 14.44 11.79 9.67 7.97'
    ' 6.61 5.53 4.66 3.96',
  ),
}


@pytest.mark.parametrize('name', NETWORKS)
def test_weights_and_their_remaining_fractions(name):
  model, images, (percents, way), (weights, convolved), ladder = NETWORKS[name]
  model.build(tf.zeros(images))
  masks, found = model.masks, []
  assert sum(mask.size for mask in masks.values()) == weights
  kernels = [mask.size for name, mask in masks.items() if 'conv' in name]
  assert sum(kernels) == convolved
  for _ in ladder.split():
    masks = pruner.get(way)(percents, masks, model.get_current_weights())
    found.append(f'{100 * masks_lib.density(masks):.2f}')
  assert ' '.join(found) == ladder
  unpruned = {name for name, mask in masks.items() if mask.all()}
  if name == 'resnet20':  # Each has a mask, and counts.
    shortcuts = {f'stage{stage}_block0_shortcut' for stage in (1, 2)}
    assert unpruned == shortcuts | {'output'}
  else:
    assert not unpruned


def test_vgg19_has_as_many_weights_as_the_paper_says():
  model = conv.Conv(seed=1, **conv.VGG19)
  model.build(tf.zeros(LARGE))
  sizes = {name: mask.size for name, mask in model.masks.items()}
  assert sizes.pop('output') == 5_120
  assert sum(sizes.values()) == 20_018_880
  assert len(sizes) == 16


def test_a_width_scales_all_layers_but_the_last():
  model = conv.Conv(seed=1, width=16, **conv.CONV2)
  model.build(tf.zeros(LARGE))
  assert sum(mask.size for mask in model.masks.values()) == 269_616


@pytest.mark.parametrize('depth', [8, 14])
def test_a_resnet_has_6_n_and_2_layers(depth):
  model = resnet.ResNet(seed=1, depth=depth, width=4)
  model.build(tf.zeros(LARGE))
  names = [name for name in model.masks if 'shortcut' not in name]
  assert len(names) == depth


def test_there_is_no_resnet_of_other_depths():
  with pytest.raises(
    errors.InputError, match=r'^depth: wanted 6 n \+ 2, .* 18$'
  ):
    resnet.ResNet(depth=18)


@pytest.mark.parametrize(
  ('make', 'other'),
  [
    (conv.Conv, {'width': 4, 'blocks': ((1,), (2,)), 'dropout': 0.5}),
    (conv.Conv, {'width': 4, 'units': (), 'has_batch_norm': True}),
    (resnet.ResNet, {'depth': 8, 'width': 4}),
  ],
)
def test_updates_and_evaluations_differ_and_gray_images_need_no_channel(
  make, other
):
  models = [make(seed=1, **other) for _ in range(2)]
  images = tf.random.stateless_normal([4, 16, 16], [1, 2])
  logits = models[0](images, training=True)
  assert logits.shape == (4, 10)
  assert np.abs(logits - models[1](images, training=False)).max() > 1e-3
  assert models[0].architecture() == models[1].architecture()
  assert models[0].architecture() != make(seed=1).architecture()


MEASURE = """
import resource
import sys
import numpy as np
from lottery_ticket.cli import entry
entry.limit_threads()
from lottery_ticket.foundations import dataset_base, trainer
from lottery_ticket.models import networks

images = np.zeros([2_000, 32, 32, 3], np.float32)
split = dataset_base.DatasetSplit(images, np.zeros(2_000, int))
trainer.evaluate(networks.make('conv6', seed=1), split)
unit = 2**30 if sys.platform == 'darwin' else 2**20  # Bytes, or kilobytes.
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
"""


@pytest.mark.slow
def test_batches_of_an_evaluation_bound_its_memory():
  command = [sys.executable, '-c', MEASURE]
  done = subprocess.run(command, capture_output=True, text=True, check=True)
  assert float(done.stdout) < 2  # GiB, of which TensorFlow takes a quarter.
