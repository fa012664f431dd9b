"""A ticket as one file: masks, initial weights, and where they come from.

The file is an uncompressed .npz without the pruned weights, so that NumPy alone
can open it, and fewer weights take less room:

  masks/{layer name}.npy        uint8, eight weights a byte (np.unpackbits): 1
                                where a weight stays
  initial/{parameter name}.npy  float32; of a layer with a mask, only the
                                weights that stay, one after the other
  ticket.json                   format, shapes of the masks, configuration

The same ticket makes the same bytes. Nothing is read with pickle, and nothing
is inflated: what is read has at most 64 times the bytes of the file.
"""

import io
import json
import math
import os
import re
import zipfile
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import save_restore

Network = masks_lib.Network

FORMAT = 'lottery ticket 1'
_JSON = 'ticket.json'
_ARRAY = re.compile(r'(masks|initial)/(.+)\.npy')
_OLDEST = (1980, 1, 1, 0, 0, 0)  # What a zip file's clock can show.


class Ticket(NamedTuple):
  """A small network, ready to be trained.

  Attributes:
    masks: {layer name: 0/1 array}.
    initial: {parameter name: array}, the weights to start from; pruned ones
      are 0. Parameters without a mask, like biases, are whole.
    configuration: How it was found, as JSON can hold it; for a run of this
      library the `description` and the checksums of `inputs` in its record.
  """

  masks: Network
  initial: Network
  configuration: dict[str, Any] = {}  # noqa: RUF012 - never changed

  @property
  def density(self) -> float:
    """P_m, the fraction of prunable weights that remain."""
    return masks_lib.density(self.masks)


def save_ticket(
  path: str | os.PathLike, ticket: Ticket, *, overwrite: bool = False
) -> None:
  """Writes a ticket as one file.

  Args:
    path: The file, `ticket.npz` say; left as it is if it holds this ticket.
    ticket: What to write.
    overwrite: Whether another file there may be lost.

  Raises:
    InputError: If the ticket is none (see `check`), or there is a folder, or
      another file and `overwrite` is false.
  """
  content = _pack(check(ticket))
  if os.path.isfile(path):
    with save_restore.opened(path) as stream:
      if stream.read(len(content) + 1) == content:
        return
  errors.require(not os.path.isdir(path), str(path), 'a file', 'a folder')
  if os.path.lexists(path) and not overwrite:
    hint = f'choose another name, or {errors.OVERWRITE}'
    raise errors.InputError(f'{path}: another file is there; {hint}')
  with save_restore.written_aside(path) as aside:
    save_restore.write_file(aside, content)


def read_ticket(path: str | os.PathLike) -> Ticket:
  """Reads a ticket that `save_ticket` wrote.

  Raises:
    InputError: If the file is missing, damaged, or of no ticket (see `check`).
  """
  with save_restore.opened(path) as stream:
    try:
      return _unpack(stream)
    except errors.InputError as error:
      raise errors.InputError(f'{path}: not a ticket: {error}') from error
    # For damaged files zipfile raises whatever its parts raise.
    except Exception as error:
      raise errors.InputError(f'{path}: not a ticket: damaged') from error


def check(ticket: Ticket) -> Ticket:
  """Returns a ticket with float32 arrays, sorted by name.

  Raises:
    InputError: If masks hold other values than 0 and 1, weights are not finite
      or not 0 where they are pruned, a mask has no weights of its shape, a
      name cannot be a file's, there are no masks, or the configuration is not
      a dictionary that JSON can hold.
  """
  masks = masks_lib.check(ticket.masks)
  initial = masks_lib.check_network(ticket.initial, 'initial')
  errors.require(masks, 'masks', 'at least one layer', 'none')
  got = type(ticket.configuration).__name__
  errors.require(got == 'dict', 'configuration', 'a dictionary', got)
  for name in (*masks, *initial):
    save_restore.check_name(name)
  for name, mask in masks.items():
    place, shape = f'initial[{name!r}]', list(mask.shape)
    found = list(initial[name].shape) if name in initial else 'none'
    wanted = f'shape {shape} like its mask'
    errors.require(found == shape, place, wanted, found)
    revived = next(initial[name][(mask == 0) & (initial[name] != 0)].flat, 0)
    errors.require(revived == 0, place, '0 where it is pruned', revived)
  initial = masks_lib.apply(masks, initial)  # Not -0 where it is pruned.
  masks, initial = (dict(sorted(each.items())) for each in (masks, initial))
  configuration = save_restore.as_json(ticket.configuration, 'configuration')
  return Ticket(masks, initial, configuration)


def _pack(ticket: Ticket) -> bytes:
  shapes = {name: mask.shape for name, mask in ticket.masks.items()}
  described = {'format': FORMAT, 'shapes': shapes}
  described['configuration'] = ticket.configuration
  members = {_JSON: json.dumps(described, indent=1, sort_keys=True).encode()}
  for name, mask in ticket.masks.items():
    packed = np.packbits(mask != 0)
    members[f'masks/{name}.npy'] = save_restore.encode_array(packed)
  for name, array in ticket.initial.items():
    kept = array[ticket.masks[name] != 0] if name in ticket.masks else array
    kept = kept.astype('<f4', order='C')
    members[f'initial/{name}.npy'] = save_restore.encode_array(kept)
  content = io.BytesIO()
  with zipfile.ZipFile(content, 'w') as archive:
    for name, member in members.items():
      info = zipfile.ZipInfo(name, _OLDEST)
      info.create_system, info.external_attr = 3, 0o644 << 16  # As on Unix.
      archive.writestr(info, member)
  return content.getvalue()


def _unpack(stream: BinaryIO) -> Ticket:
  """Returns the ticket in a file, checked; zipfile compares check sums."""
  size = os.fstat(stream.fileno()).st_size
  with zipfile.ZipFile(stream) as archive:
    infos = archive.infolist()
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
      raise errors.InputError('is compressed')
    if sum(info.file_size for info in infos) > size:
      raise errors.InputError('says that it holds more than it does')
    members = {info.filename: archive.read(info) for info in infos}
  if _JSON not in members or len(members) != len(infos):
    raise errors.InputError(f'wanted {_JSON} and arrays in it, each once')
  described = save_restore.parse_json(members.pop(_JSON), _JSON)
  found = str(described.get('format'))[:80]
  errors.require(found == FORMAT, 'format', repr(FORMAT), repr(found))
  networks: dict[str, Network] = {'masks': {}, 'initial': {}}
  for name, content in members.items():
    match = _ARRAY.fullmatch(name)
    if match is None:
      raise errors.InputError(f'got {name!r} in it')
    array = save_restore.load_array(io.BytesIO(content), name)
    networks[match[1]][match[2]] = array
  shapes = described.get('shapes', {})
  is_right = shapes.keys() == networks['masks'].keys()
  errors.require(is_right, 'shapes', 'those of all masks', str(shapes)[:80])
  for name, shape in shapes.items():
    _unfold(name, shape, **networks)
  return check(Ticket(**networks, configuration=described['configuration']))


def _unfold(
  name: str, shape: Sequence[int], masks: Network, initial: Network
) -> None:
  """Replaces a layer's mask and weights, as in the file, by whole arrays."""
  size, bits = math.prod(shape), masks[name]
  is_right = bits.dtype == np.uint8 and bits.shape == (-(-size // 8),)
  got = f'{bits.dtype} {list(bits.shape)}'
  wanted = f'{size} bits for shape {shape}'
  errors.require(is_right, f'masks[{name!r}]', wanted, got)
  mask = np.unpackbits(bits, count=size).reshape(shape)
  kept = initial.get(name, np.zeros(0))
  is_right, got = kept.shape == (mask.sum(),), f'shape {list(kept.shape)}'
  wanted = f'{mask.sum()} weights like its mask'
  errors.require(is_right, f'initial[{name!r}]', wanted, got)
  masks[name], initial[name] = mask, np.zeros(shape, kept.dtype)
  initial[name][mask != 0] = kept
