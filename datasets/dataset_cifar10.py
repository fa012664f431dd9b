"""CIFAR-10, from the binary files of its archive, and where they come from.

A location is a folder with `data_batch_1.bin` to `data_batch_5.bin` and
`test_batch.bin`: records of 3,073 bytes, the class and 32x32 pixels of red, of
green and of blue (Krizhevsky, "Learning Multiple Layers of Features from Tiny
Images", 2009).
"""

import hashlib
import pathlib
import tarfile
import tempfile

import numpy as np

from lottery_ticket.datasets import fetchers
from lottery_ticket.datasets import splits
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds

TRAIN = tuple(f'data_batch_{i}.bin' for i in range(1, 6))
TEST = ('test_batch.bin',)
ARCHIVE = 'cifar-10-binary.tar.gz'
FOLDER = 'cifar-10-batches-bin'  # In the archive.
URL = 'https://www.cs.toronto.edu/~kriz/'
SHA256 = 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd'

_SIDE, _CHANNELS = 32, 3
_RECORD = 1 + _SIDE**2 * _CHANNELS
_MAX_BYTES = 2**28
_PIXELS = (np.arange(256, dtype=np.float32) / np.float32(255))[:, np.newaxis]
# Of the pixels of the training set, by channel.
_MEAN = np.array([0.4914, 0.4822, 0.4465], np.float32)
_DEVIATION = np.array([0.2470, 0.2435, 0.2616], np.float32)

SCALINGS = {
  'unit': _PIXELS.repeat(_CHANNELS, axis=1),
  'standard': (_PIXELS - _MEAN) / _DEVIATION,
}
"""Values of bytes, float32, shape [256, 3]."""


class DatasetCifar10(dataset_base.DatasetBase):
  """CIFAR-10: 32x32 color images of ten classes of animals and vehicles.

  They stay bytes in memory, and are scaled in the graph. With `train.augment =
  augmentations.flip_and_crop` updates see them flipped and moved at random.

  Args:
    cifar10_location: Folder with the six files.
    permute_labels: As in `DatasetMnist`, as are `seed` and `validation_size`.
    train_order_seed: As in `DatasetBase`.
    train_batch_size: As in `DatasetBase`.
    seed: Seed of what is drawn.
    scaling: One of `SCALINGS`: `standard` (each channel to mean 0 and deviation
      1 over the training set) or `unit` (pixels / 255).
    validation_size: How many training examples make the validation set.

  Raises:
    InputError: If the data are missing or damaged, or another argument is of
      no use.
  """

  def __init__(
    self,
    cifar10_location: str,
    permute_labels: bool = False,
    train_order_seed: int | None = None,
    *,
    train_batch_size: int = 60,
    seed: int | None = None,
    scaling: str = 'standard',
    validation_size: int = 5_000,
  ):
    self.seed = seeds.fresh() if seed is None else seeds.check(seed)
    errors.check_choice('scaling', scaling, sorted(SCALINGS))
    train, test = (load(cifar10_location, files) for files in (TRAIN, TEST))
    super().__init__(
      train_batch_size=train_batch_size,
      train_order_seed=train_order_seed,
      byte_values=SCALINGS[scaling],
      **splits.draw(train, test, self.seed, validation_size, permute_labels),
    )


def load(location: str, files: tuple[str, ...] = TRAIN) -> splits.Pair:
  """Reads images, uint8 [n, 32, 32, 3], and their classes, uint8 [n].

  Raises:
    InputError: If the files, in the location or in the archive's folder there,
      are missing or damaged.
  """
  records = np.concatenate([_read(_find(location, name)) for name in files])
  images = records[:, 1:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
  return np.ascontiguousarray(images.transpose(0, 2, 3, 1)), records[:, 0]


def _find(location: str, name: str) -> pathlib.Path:
  path = pathlib.Path(location, name)
  inner = pathlib.Path(location, FOLDER, name)
  if not path.is_file() and not inner.is_file():
    hint = 'cifar10_conv/download_data.py brings it'
    raise errors.InputError(f'{path}: not there; {hint}')
  return path if path.is_file() else inner


def _read(path: pathlib.Path) -> np.ndarray:
  """Returns the records of a file, uint8, shape [n, 3073]."""
  with save_restore.opened(path) as stream:
    data = stream.read(_MAX_BYTES + 1)
  records, rest = divmod(len(data), _RECORD)
  is_whole = not rest and 0 < len(data) <= _MAX_BYTES
  wanted = f'records of {_RECORD} bytes'
  errors.require(is_whole, str(path), wanted, f'{len(data)} bytes')
  found = np.frombuffer(data, np.uint8).reshape(records, _RECORD)
  highest, wanted = found[:, 0].max(), f'classes 0 to {splits.CLASSES - 1}'
  errors.require(highest < splits.CLASSES, str(path), wanted, highest)
  return found


def install(location: str, source: str | None = None) -> str:
  """Brings the files into a location, and returns a line that says from where.

  What is there is left as it is. The archive, downloaded or in a folder, is
  unpacked only if its SHA-256 is the published one. Files in a folder need only
  be of the right form: others than the archive's have no published SHA-256.

  Args:
    location: Folder to fill; it is made where it is not there.
    source: Folder that has the files, or the archive. None downloads this.

  Raises:
    InputError: If the source has neither, or what it has is damaged.
    OSError: If the location cannot be written.
  """
  target = pathlib.Path(location)
  missing = [name for name in TRAIN + TEST if not (target / name).exists()]
  if not missing:
    load(location, TRAIN + TEST)
    return f'cifar10: already in {location!r}'
  target.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryDirectory(
    '', '.download-', location, ignore_cleanup_errors=True
  ) as made:
    scratch, found = pathlib.Path(made), repr(source)
    said = 'copied as they are: single files have no published SHA-256'
    if source is None:
      source, found = str(_download(scratch)), URL + ARCHIVE
    archive = pathlib.Path(source, ARCHIVE)
    if archive.is_file():
      _unpack(archive, scratch)
      source, said = made, 'unpacked from the archive as it was published'
    for name in missing:
      (scratch / name).write_bytes(_read(_find(source, name)).tobytes())
    for name in missing:  # Only when all are written.
      (scratch / name).replace(target / name)
  return f'cifar10: from {found}, now in {location!r} ({said})'


def _download(folder: pathlib.Path) -> pathlib.Path:
  try:
    return fetchers.mirror(URL, [ARCHIVE], times=4)(folder)
  except (errors.InputError, OSError) as error:
    raise errors.InputError(
      f'cifar10: cannot be downloaded: put {ARCHIVE}, or what is in it, into a'
      f' folder and name that as --source ({fetchers.reason(error)})'
    ) from error


def _unpack(archive: pathlib.Path, folder: pathlib.Path) -> None:
  """Unpacks the six files alone, if the archive is the published one."""
  came = hashlib.sha256(archive.read_bytes()).hexdigest()
  what = f'{ARCHIVE}: is not the published one'
  wanted, got = f'SHA-256 {SHA256[:12]}...', f'{came[:12]}...'
  errors.require(came == SHA256, what, wanted, got)
  with tarfile.open(archive) as files:
    for name in TRAIN + TEST:
      member = files.extractfile(f'{FOLDER}/{name}')
      (folder / name).write_bytes(member.read() if member else b'')
