"""What is claimed of the stability of this network's training.

Frankle et al., "Linear Mode Connectivity and the Lottery Ticket Hypothesis"
(arXiv 1912.05671): LeNet-300-100 on MNIST, 24,000 iterations with Adam. Two
copies from iteration k differ in the order of the data alone. Training is
stable from k on if the barrier between them is below 2 points of test error; a
pruned network is matching if it is at most 0.2 points less accurate than the
dense one.
"""

import dataclasses

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import estimands

Part = claims.Part

STARTS = (0, 500, 2_000)  # Iterations k.
PERCENTS = (21.1, 3.6)  # P_m; the paper prunes to about the latter.
RANDOM = 'random1'

CLAIMS = (
  claims.Claim(
    'S1',
    'The training of the dense network is stable from initialization on.',
    'barrier below 2 points',
    [Part(estimands.barrier(k), below=2) for k in STARTS],
  ),
  claims.Claim(
    'S2',
    'So is that of tickets: they, too, are stable from initialization on.',
    'barrier below 2 points',
    [Part(estimands.barrier(k, p), below=2) for p in PERCENTS for k in STARTS],
  ),
  claims.Claim(
    'S3',
    'Random sparse networks of this size are stable from initialization, too.',
    'barrier below 2 points',
    [Part(estimands.barrier(0, p, RANDOM), below=2) for p in PERCENTS],
  ),
  claims.Claim(
    'S4',
    'Tickets, which are stable, match the accuracy of the dense network.',
    'within 0.2 points',
    [
      Part(estimands.matching(k, p), above=-0.2)
      for p in PERCENTS
      for k in STARTS
    ],
  ),
)


def table(paper: claims.Claims) -> claims.Claims:
  """Returns these claims, about the network of another paper's.

  Args:
    paper: Those of the paper about tickets of this network, trained for longer.
  """
  length = {'training_len': ['iterations', 24_000]}
  recipe = paper.recipe | length
  del recipe['evaluation_interval']  # Nothing here is about early stop.
  return dataclasses.replace(
    paper,
    paper=claims.STABILITY,
    recipe=recipe,
    about={**paper.about, **{name: [value] for name, value in length.items()}},
    headlines=('S1', 'S2'),
    claims=CLAIMS,
  )
