"""Tests of lottery_ticket.mnist_fc.download_data, without network."""

import dataclasses
import inspect

import numpy as np
import pytest

from lottery_ticket.datasets import dataset_mnist
from lottery_ticket.datasets import formats
from lottery_ticket.datasets import sources
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import download_data
from lottery_ticket.mnist_fc import locations

NAMES = ('mnist', 'fashion_mnist')
DATA = {
  name: {key: np.array([i, 2], np.uint8) for key in sources.FILES}
  for i, name in enumerate(NAMES)
}


@pytest.fixture
def source(tmp_path, monkeypatch):
  """Makes both data sets small; returns a folder that has them."""
  for name, arrays in DATA.items():
    small = dataclasses.replace(
      sources.DATASETS[name],
      checksums=tuple(map(formats.checksum, arrays.values())),
      sources={},
    )
    monkeypatch.setitem(sources.DATASETS, name, small)
    (tmp_path / 'source' / name).mkdir(parents=True)
    for key, array in arrays.items():
      np.save(tmp_path / 'source' / name / f'{key}.npy', array)
  return tmp_path / 'source'


@pytest.fixture
def places(tmp_path):
  return {name: str(tmp_path / 'data' / name) for name in NAMES}


def download(places, *args, **kwargs):
  download_data.download(*args, *places.values(), **kwargs)


def refusal(*args, **kwargs):
  with pytest.raises(errors.InputError) as caught:
    download(*args, **kwargs)
  return str(caught.value)


@pytest.mark.parametrize(
  ('datasets', 'names'),
  [('all', NAMES), ('mnist', NAMES[:1]), ('fashion_mnist', NAMES[1:])],
)
def test_downloads_what_is_asked_for(
  source, places, tmp_path, capsys, datasets, names
):
  for line in ("{}: from '{source}', now in '{}'", "{}: already in '{}'"):
    download(places, datasets, source=str(source))
    wanted = [line.format(n, places[n], source=source) for n in names]
    assert capsys.readouterr().out.splitlines() == wanted
  made = {path.name for path in (tmp_path / 'data').iterdir()}
  assert made == set(names)
  for name in names:
    loaded = np.load(tmp_path / 'data' / name / 'x_train.npy')
    np.testing.assert_array_equal(loaded, DATA[name]['x_train'])


def test_another_data_set_goes_where_it_is_told(source, places, tmp_path):
  images, labels = np.ones((2, 28, 28), np.uint8), np.array([3, 9])
  for name, array in (('x', images), ('y', labels)):
    np.save(source / f'{name}_train.npy', array)
    np.save(source / f'{name}_test.npy', array)
  place = str(tmp_path / 'kmnist')
  download(places, 'kmnist', source=str(source), location=place)
  dataset = dataset_mnist.DatasetMnist(place, validation_size=0)
  np.testing.assert_array_equal(dataset.test.labels, labels)


def test_refuses_other_arguments(source, places):
  assert refusal(places, 'cifar', location='x').startswith(
    'datasets: wanted all, mnist, fashion_mnist, kmnist'
  )
  assert refusal(places, 'kmnist') == "location: wanted a folder, got ''"
  assert refusal(places, 'all', location='x') == (
    "location: wanted --datasets to name one data set, got 'x'"
  )
  places['fashion_mnist'] = f'{places["mnist"]}/../mnist'
  assert refusal(places, 'all', source=str(source)) == (
    'fashion_mnist_location: wanted another folder than mnist_location, got'
    f" '{places['fashion_mnist']}'"
  )


def test_checks_everything_before_it_fetches_anything(source, places, tmp_path):
  (tmp_path / 'file').touch()
  places['fashion_mnist'] = str(tmp_path / 'file' / 'inner')
  assert refusal(places, 'all', source=str(source)) == (
    f"location '{tmp_path}/file/inner': cannot be written: Not a directory"
  )
  assert not (tmp_path / 'data' / 'mnist').exists()


def test_defaults_are_both_data_sets_where_experiments_look():
  parameters = inspect.signature(download_data.download).parameters
  assert {name: p.default for name, p in parameters.items()} == {
    'datasets': 'all',
    'mnist_location': locations.MNIST_LOCATION,
    'fashion_mnist_location': locations.FASHIONMNIST_LOCATION,
    'source': None,
    'location': None,
  }
