"""Controls: what changes about a found ticket while the rest is kept.

A control is a function from what an experiment has found to another ticket;
none trains anything. What it `needs` is among these, its arguments' names:

  ticket     the ticket itself
  tickets    those of all trials at the same level
  dense      the unpruned network, a `Weights`
  before     the level at which the masks were found, a `Weights`
  no_reset   the ticket that an experiment without resets found
  rewound    the dense network's weights early in training
  deviations {layer name: standard deviation of the layer's initializer}
  scale      a number
  seed       seed of what is drawn

Parameters that the new ticket has no initial weights for are drawn anew.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import ticket as ticket_lib

Network = masks_lib.Network
Ticket = ticket_lib.Ticket


class Weights(NamedTuple):
  """A network before and after training, {parameter name: array} each."""

  initial: Network
  final: Network


def reinit(ticket: Ticket) -> Ticket:
  """Draws all weights anew: random reinitialization (Section 2)."""
  return Ticket(ticket.masks, {})


def reuse(ticket: Ticket, tickets: Sequence[Ticket], seed: int) -> Ticket:
  """Draws weights from those of all trials' tickets."""
  pooled = pool_weights(tickets)
  return Ticket(ticket.masks, sample_weights(pooled, ticket.masks, seed))


def reuse_sign(ticket: Ticket, tickets: Sequence[Ticket], seed: int) -> Ticket:
  """Like `reuse`, but each weight keeps its sign."""
  drawn = reuse(ticket, tickets, seed)
  return Ticket(drawn.masks, keep_signs(drawn.initial, ticket.initial))


def own(ticket: Ticket, seed: int) -> Ticket:
  """Draws weights from the ticket's own (Appendix F.3)."""
  return reuse(ticket, [ticket], seed)


def own_sign(ticket: Ticket, seed: int) -> Ticket:
  """Like `own`, but each weight keeps its sign."""
  return reuse_sign(ticket, [ticket], seed)


def random(ticket: Ticket, seed: int) -> Ticket:
  """Draws masks of the same layers' densities, and weights (Appendix E)."""
  scores = {
    name: seeds.generator(seed, 'masks', name).random(mask.shape)
    for name, mask in ticket.masks.items()
  }
  return Ticket(keep_largest(ticket.masks, scores), {})


def one_shot(ticket: Ticket, dense: Weights) -> Ticket:
  """Prunes as many weights at once, by their magnitude after training."""
  return Ticket(keep_largest(ticket.masks, dense.final), dense.initial)


def init_magnitude(ticket: Ticket, dense: Weights) -> Ticket:
  """Prunes as many weights before any training (Appendix F.4)."""
  return Ticket(keep_largest(ticket.masks, dense.initial), dense.initial)


def noise(
  ticket: Ticket, deviations: Mapping[str, float], scale: float, seed: int
) -> Ticket:
  """Adds Gaussian noise to the ticket's masked weights (Appendix F.7).

  Its standard deviation is `scale` times that of the layer's initializer; the
  seed and the layer's name alone decide what is drawn.
  """
  noisy = dict(ticket.initial)
  for name, mask in ticket.masks.items():
    generator = seeds.generator(seed, 'noise', name)
    drawn = generator.normal(0, scale * deviations[name], mask.shape)
    noisy[name] = noisy[name] + (mask * drawn).astype(np.float32)
  return Ticket(ticket.masks, noisy)


def continued(ticket: Ticket, before: Weights) -> Ticket:
  """Goes on from the trained weights instead of resetting (Appendix B)."""
  return Ticket(ticket.masks, before.final)


def no_reset_ticket(no_reset: Ticket, dense: Weights) -> Ticket:
  """Resets once, at the end, what was found without resets (Appendix B)."""
  return Ticket(no_reset.masks, dense.initial)


def rewind(ticket: Ticket, rewound: Network) -> Ticket:
  """Goes back to weights early in training (arXiv 1903.01611)."""
  return Ticket(ticket.masks, rewound)


def same(ticket: Ticket) -> Ticket:
  """Keeps the ticket: something about the data changes."""
  return ticket


def union(tickets: Sequence[Ticket], dense: Weights) -> Ticket:
  """Keeps the weights that some trial's ticket keeps."""
  masks = masks_lib.union([ticket.masks for ticket in tickets])
  return Ticket(masks, dense.initial)


def intersection(tickets: Sequence[Ticket], dense: Weights) -> Ticket:
  """Keeps the weights that all trials' tickets keep."""
  masks = masks_lib.intersect([ticket.masks for ticket in tickets])
  return Ticket(masks, dense.initial)


@dataclasses.dataclass(frozen=True)
class Control:
  """A row of the table of controls."""

  function: Callable[..., Ticket]  # Makes the new ticket.
  label: str  # Words for figures.
  needs: Sequence[str] = ('ticket',)  # Names of the function's arguments.
  # {flag: value}; None stands for the folders of all trials.
  settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  name: str = ''  # In seeds and records, if it is not that of the folders.
  permutes_labels: bool = False  # Whether it renames the classes at random.
  reorders: bool = False  # Whether it shuffles examples in another order.


_DRAWS = ('ticket', 'seed')
_POOLS = ('ticket', 'tickets', 'seed')
_DENSE = ('ticket', 'dense')
_NOISE = ('ticket', 'deviations', 'scale', 'seed')
_REWOUND = ('ticket', 'rewound')
_ALL = ('tickets', 'dense')
_OF_ALL = {'trials': None}

CONTROLS: dict[str, Control] = {
  'reinit': Control(reinit, 'reinitialized'),
  'reuse': Control(reuse, 'weights of all tickets', _POOLS, _OF_ALL),
  'reuse_sign': Control(
    reuse_sign, 'weights of all tickets, signs kept', _POOLS, _OF_ALL
  ),
  'own': Control(own, 'weights of its own', _DRAWS),
  'own_sign': Control(own_sign, 'weights of its own, signs kept', _DRAWS),
  'random': Control(random, 'random sparsity', _DRAWS),
  'one_shot': Control(one_shot, 'one-shot pruning', _DENSE),
  'init_magnitude': Control(init_magnitude, 'pruned at iteration 0', _DENSE),
  **{
    f'noise_{scale}x': Control(
      noise, f'noise {scale}x', _NOISE, {'scale': scale}, 'noise'
    )
    for scale in (0.5, 1, 2, 3)
  },
  'continued': Control(continued, 'fine-tuned', ('ticket', 'before')),
  'no_reset_ticket': Control(
    no_reset_ticket, 'ticket of never reset', ('no_reset', 'dense')
  ),
  'rewind_500its': Control(
    rewind, 'rewind 500its', _REWOUND, {'rewind_to': 500}, 'rewind'
  ),
  'permuted_labels': Control(same, 'labels permuted', permutes_labels=True),
  'other_order': Control(same, 'data in another order', reorders=True),
  'union': Control(union, 'union', _ALL, _OF_ALL),
  'intersection': Control(intersection, 'intersection', _ALL, _OF_ALL),
}
"""{name of the runs' folders: the control}: the table that scripts, argfiles
and figures read."""


def find(name: str) -> tuple[str, Control]:
  """Returns a control and its name in records, or raises InputError.

  One named as in `CONTROLS` has its settings, and one named as in records, like
  `noise`, takes them from flags.
  """
  named = {row.name: row for row in CONTROLS.values() if row.name}
  errors.check_choice('control', name, [*CONTROLS, *named])
  if name in CONTROLS:
    return CONTROLS[name].name or name, CONTROLS[name]
  unset = dict.fromkeys(named[name].settings)
  return name, dataclasses.replace(named[name], settings=unset)


def keep_largest(masks: Network, scores: Network) -> Network:
  """Returns masks that keep as many weights a layer: the largest magnitudes.

  >>> masks = {'layer0': np.array([1, 1, 0])}
  >>> keep_largest(masks, {'layer0': np.array([0.1, -0.3, 0.2])})
  {'layer0': array([0., 1., 1.], dtype=float32)}

  Among equal magnitudes the last are kept, as in `pruner.prune_by_percent`.
  """
  kept = {}
  for name, mask in masks_lib.check(masks).items():
    magnitudes = np.abs(_of_shape(scores, name, mask.shape))
    gone = pruner.lowest(magnitudes, mask.size - np.count_nonzero(mask))
    kept[name] = (~gone).astype(np.float32)
  return kept


def pool_weights(tickets: Sequence[Ticket]) -> Network:
  """Pools the surviving weights of tickets: {layer name: [all survivors]}."""
  survivors = [surviving_weights(item.masks, item.initial) for item in tickets]
  return {
    name: np.concatenate([weights[name] for weights in survivors])
    for name in survivors[0]
  }


def surviving_weights(masks: Network, weights: Network) -> Network:
  """Returns {layer name: array of shape [survivors]} of masked layers."""
  return {
    name: _of_shape(weights, name, mask.shape)[mask != 0]
    for name, mask in masks_lib.check(masks).items()
  }


def sample_weights(distribution: Network, masks: Network, seed: int) -> Network:
  """Draws new initial weights from a sample of values (Appendix F.3).

  Args:
    distribution: {layer name: array} to draw from, with replacement.
    masks: {layer name: 0/1 array}; pruned weights become 0.
    seed: Seed, which with the layer's name alone decides what is drawn.

  Raises:
    InputError: If the distribution has other layers, no values for a layer
      that has survivors, or values that are not finite numbers.
  """
  masks = masks_lib.check(masks)
  what = 'initialization_distribution'
  values = masks_lib.check_network(distribution, what)
  wanted = f'the layers {sorted(masks)} of the masks'
  errors.require(set(values) == set(masks), what, wanted, sorted(values))
  drawn = {}
  for name, mask in masks.items():
    drawn[name] = np.zeros(mask.shape, np.float32)
    if survivors := np.count_nonzero(mask):
      sample = values[name].ravel()
      errors.require(sample.size, f'{what}[{name!r}]', 'values', 'none')
      generator = seeds.generator(seed, name)
      drawn[name][mask != 0] = generator.choice(sample, survivors)
  return drawn


def keep_signs(weights: Network, initial: Network) -> Network:
  """Gives weights the signs of others, and keeps their magnitudes."""
  return {
    name: np.copysign(np.abs(array), _of_shape(initial, name, array.shape))
    for name, array in weights.items()
  }


def _of_shape(given: Network, name: str, shape: tuple[int, ...]) -> np.ndarray:
  """Returns a parameter, if it is there in that shape."""
  shapes = {key: list(np.shape(value)) for key, value in given.items()}
  wanted = f'{name!r} of shape {list(shape)}'
  errors.require(shapes.get(name) == list(shape), 'weights', wanted, shapes)
  return np.asarray(given[name])
