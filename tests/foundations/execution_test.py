"""Tests of what executes a training."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import callbacks
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import execution
from lottery_ticket.foundations import layers
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import model_fc
from lottery_ticket.foundations import trainer

GENERATOR = np.random.default_rng(0)


def _adam():
  return keras.optimizers.Adam(1e-3)


def _pair(size):
  inputs = GENERATOR.integers(0, 256, (size, 40)) / np.float32(255)
  return inputs.astype(np.float32), GENERATOR.integers(0, 4, size)


@pytest.fixture(scope='module')
def dataset():
  return dataset_base.DatasetBase(
    _pair(300), 60, _pair(90), _pair(70), train_order_seed=1
  )


def _model(density=0.2, activation='relu'):
  masks = {
    name: np.random.default_rng(1).random(shape) < density
    for name, shape in (('layer0', (40, 30)), ('layer1', (30, 4)))
  }
  given = {'layers': [(30, activation), (4, None)]}
  return model_fc.ModelFc(given, masks=masks, seed=1)


def _train(dataset, execution, output_dir=None, model=None, **kwargs):
  return trainer.train(
    dataset,
    model or _model(),
    kwargs.pop('optimizer_fn', _adam),
    ('iterations', 13),
    output_dir and str(output_dir),
    test_interval=('iterations', 3),
    save_network=True,
    execution=execution,
    **kwargs,
  )


def _record(directory):
  return json.loads((pathlib.Path(directory) / 'run.json').read_text())


def test_sparse_trains_as_dense_does(dataset, tmp_path):
  networks, logs, called = [], [], []
  for name in ('dense', 'sparse'):
    folder = tmp_path / name
    initial, final = _train(dataset, name, folder, checkpoints=[5])
    networks.append((initial, final))
    logs.append(json.loads((folder / 'test.json').read_text()))
    called.append(sorted(path.name for path in folder.iterdir()))
    assert _record(folder)['execution'] == name
  assert called[0] == called[1]
  assert logs[0]['iteration'] == logs[1]['iteration']
  np.testing.assert_allclose(logs[0]['loss'], logs[1]['loss'], rtol=1e-5)
  for dense, sparse in zip(*networks, strict=True):
    assert list(dense) == list(sparse)
    for key, array in dense.items():
      np.testing.assert_allclose(array, sparse[key], atol=1e-6)
  mask = _model().masks['layer0']
  assert not np.any(networks[1][1]['layer0'][mask == 0])


def test_auto_is_by_density_and_shape(dataset, tmp_path):
  for density, wanted in ((1.0, 'dense'), (0.1, 'sparse')):
    folder = tmp_path / wanted
    _train(dataset, 'auto', folder, _model(density))
    assert _record(folder)['execution'] == wanted
  model = _model(0.3)
  model.build(dataset.train.values(slice(1)))
  resolved = [
    execution.resolve('auto', model, dataset.train, batch_size, _adam())
    for batch_size in (1, 60, 64)
  ]
  assert resolved == ['dense', 'sparse', 'sparse']


def test_a_finished_run_is_loaded_whatever_auto_would_choose(
  dataset, tmp_path, monkeypatch
):
  first = _train(dataset, 'auto', tmp_path / 'run')
  monkeypatch.setattr(execution, 'resolve', lambda *_, **__: 'dense')
  again = _train(dataset, 'auto', tmp_path / 'run')
  np.testing.assert_array_equal(first[1]['layer0'], again[1]['layer0'])
  assert _record(tmp_path / 'run')['execution'] == 'sparse'
  with pytest.raises(errors.InputError, match='execution'):
    _train(dataset, 'sparse', tmp_path / 'run')


def test_evaluate_measures_what_training_did(dataset, tmp_path):
  model = _model()
  _train(dataset, 'auto', tmp_path / 'run', model)
  results = _record(tmp_path / 'run')['results']
  for name, split in dataset.splits.items():
    assert trainer.evaluate(model, split)._asdict() == results[name]
    dense = trainer.evaluate(model, split, execution='dense')
    assert dense.loss == pytest.approx(results[name]['loss'], rel=1e-5)
    assert dense.accuracy == results[name]['accuracy']


class _Own(model_base.ModelBase):
  def __call__(self, inputs):
    hidden = self.dense('hidden', inputs, 20, 'tanh', use_bias=False)
    return self.dense('logits', hidden, 4)

  def architecture(self):
    return layers.Dense('hidden', 'tanh'), layers.Dense('logits')


class _OwnLoss(_Own):
  def loss(self, labels, logits):
    return 2 * super().loss(labels, logits)


def _with_own_loss():
  model = _Own(seed=1)
  model.loss = lambda labels, logits: tf.reduce_sum(logits, 1)
  return model


class _Unknown(_Own):
  def architecture(self):
    return None


def test_a_model_of_ones_own_says_what_it_is(dataset):
  dense, sparse = (
    _train(dataset, name, model=_Own(seed=1))[1] for name in ('dense', 'sparse')
  )
  for name, array in dense.items():
    np.testing.assert_allclose(array, sparse[name], atol=1e-6)


@pytest.mark.parametrize(
  ('model', 'optimizer_fn', 'named'),
  [
    (_model, keras.optimizers.RMSprop, 'RMSprop'),
    (_model, lambda: keras.optimizers.Adam(amsgrad=True), 'amsgrad'),
    (_model, lambda: keras.optimizers.SGD(clipnorm=1.0), 'clipnorm'),
    (lambda: _model(0.2, 'selu'), _adam, 'selu'),
    (lambda: _model(0.2, tf.nn.relu), _adam, 'ModelFc'),
    (lambda: _OwnLoss(seed=1), _adam, "_OwnLoss's own loss"),
    (lambda: _Unknown(seed=1), _adam, '_Unknown'),
    (_with_own_loss, _adam, 'methods of one _Own alone'),
  ],
)
def test_what_sparse_does_not_know_is_named(
  model, optimizer_fn, named, dataset, tmp_path
):
  with pytest.raises(errors.InputError, match=named):
    _train(dataset, 'sparse', model=model(), optimizer_fn=optimizer_fn)
  folder = tmp_path / 'auto'
  _train(dataset, 'auto', folder, model(), optimizer_fn=optimizer_fn)
  assert _record(folder)['execution'] == 'dense'


def test_a_choice_that_there_is_not_is_refused(dataset):
  with pytest.raises(errors.InputError, match=r"auto.*got 'fast'"):
    _train(dataset, 'fast')


def test_without_numba_auto_is_dense(dataset, monkeypatch):
  monkeypatch.setattr('importlib.util.find_spec', lambda _: None)
  model = _model(0.1)
  model.build(dataset.train.values(slice(1)))
  assert execution.resolve('auto', model, dataset.train) == 'dense'
  with pytest.raises(errors.InputError, match='numba'):
    execution.resolve('sparse', model, dataset.train)


def test_callbacks_see_and_change_sparse_weights(dataset):
  seen = {}

  def halve(iteration, model):
    seen[iteration] = trainer.evaluate(model, dataset.test).loss
    kernel = model.weights['layer1']
    kernel.assign(kernel / 2)

  finals = [
    _train(dataset, name, callbacks=[callbacks.every(('iterations', 4), halve)])
    for name in ('dense', 'sparse')
  ]
  assert len(seen) > 2
  for name, array in finals[0][1].items():
    np.testing.assert_allclose(array, finals[1][1][name], atol=1e-6)


def test_divergence_is_told_alike(dataset, tmp_path):
  for name in ('dense', 'sparse'):
    with pytest.raises(errors.DivergedError):
      _train(
        dataset,
        name,
        tmp_path / name,
        optimizer_fn=lambda: keras.optimizers.SGD(1e20),
      )
  assert [
    _record(tmp_path / name)['diverged'] for name in ('dense', 'sparse')
  ] == [3, 3]
