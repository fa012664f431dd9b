"""Tests of lottery_ticket.benchmarks.many; times are made up."""

import pytest

from lottery_ticket.benchmarks import many
from lottery_ticket.foundations import errors


def test_a_run_takes_from_the_end_of_the_one_before_it():
  worker = [many.Took(1, ended, 0) for ended in (10, 13, 18)]
  assert many.periods(worker) == [3, 5]
  assert many.periods(worker[:1]) == []


def test_two_lengths_tell_iterations_from_what_is_beside_them():
  short, long = (0.5 + 0.002 * length for length in many.LENGTHS)
  iteration, beside = many.divide([short, long, 99, long, short, 99])
  assert (iteration, beside) == (pytest.approx(0.002), pytest.approx(0.5))


def test_memory_is_this_process_s():
  held = bytearray(b'1') * (50 * 2**20)
  assert len(held) / 2**20 < many.peak_memory() < 2**16


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    ({'only': ['scale']}, r"^only: wanted one of .*, got 'scale'$"),
    ({'jobs': 0}, r'^jobs: wanted an integer of at least 1, got 0$'),
    ({'rounds': 0}, r'^rounds: wanted an integer of at least 1, got 0$'),
    ({'lines': 0}, r'^lines: wanted an integer of at least 1, got 0$'),
  ],
)
def test_refuses_what_is_of_no_use(flags, message):
  with pytest.raises(errors.InputError, match=message):
    many.main(**flags)
