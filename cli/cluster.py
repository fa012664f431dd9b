"""Runs jobs as tasks of a Ray cluster.

All nodes have the library, and see the current folder and those that the
flags name at the same paths.
"""

import contextlib
import logging
import math
import os
import socket
import threading
import time
from concurrent import futures
from typing import Any

from lottery_ticket.cli import entry
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import pool
from lottery_ticket.cli import worker
from lottery_ticket.foundations import errors

try:
  import ray
except ModuleNotFoundError:
  raise errors.InputError(
    'engine: No module named \'ray\'; pip install "lottery-ticket[ray]"'
    ' brings it'
  ) from None

_PASSED = ('LOTTERY_TICKET_', 'TF_', 'OMP_')  # Environment variables.
_KNOWN = {'num_cpus': 'CPU', 'num_gpus': 'GPU', 'memory': 'memory'}


class Cluster(pool.Engine):
  """Tasks of a Ray cluster; its arguments are explained in `Options`."""

  attempts = 4  # Nodes come and go.

  def __init__(
    self,
    address: str | None = None,
    jobs: int | None = None,
    resources: dict[str, float] | None = None,
    timeout: float = threading.TIMEOUT_MAX,
  ):
    self._jobs, self._timeout = jobs, timeout
    self._resources = {'num_cpus': 1.0} | (resources or {})
    # The pool counts attempts, and says so.
    options: dict[str, Any] = {'resources': {}, 'max_retries': 0}
    for name, amount in self._resources.items():
      errors.check_number(f'resources[{name!r}]', amount)
      (options if name in _KNOWN else options['resources'])[name] = amount
    _connect(address, jobs)
    self._task = ray.remote(max_calls=pool.JOBS_A_WORKER, **options)(_run)
    self._begun: dict[futures.Future, tuple[Any, float]] = {}

  def __exit__(self, *_: object) -> None:
    """Ends what is still under way, and leaves the cluster."""
    for ref, _begun in self._begun.values():
      with contextlib.suppress(Exception):
        ray.cancel(ref, force=True)
    ray.shutdown()

  def capacity(self) -> int:
    """Returns how many tasks the nodes that are there by now can run."""
    there = ray.cluster_resources()
    fitting = [
      there.get(_KNOWN.get(name, name), 0) / amount
      for name, amount in self._resources.items()
      if amount
    ]
    fits = math.floor(min(fitting, default=1))
    return max(1, min(fits, self._jobs or fits))

  def submit(self, job: jobs_lib.Job) -> futures.Future:
    """Begins a job, with the variables that decide what it does."""
    variables = {k: os.environ[k] for k in os.environ if k.startswith(_PASSED)}
    ref = self._task.remote(job, self._timeout, variables)
    future = ref.future()
    self._begun[future] = ref, time.monotonic()
    return future

  def result(self, future: futures.Future) -> worker.Result:
    """Returns what came of a job, or raises why its worker died."""
    _, begun = self._begun.pop(future)
    seconds = time.monotonic() - begun
    try:
      return future.result()
    except ray.exceptions.RayTaskError as error:
      reason = str(error.cause).strip().splitlines()[-1]
      raise errors.InputError(f'a node cannot run a job: {reason}') from None
    except ray.exceptions.RayError as error:
      if seconds >= self._timeout:
        raise pool.DiedError(f'took longer than {self._timeout} s') from None
      reason = ' '.join(str(error).split()).partition('. ')[0]
      raise pool.DiedError(f'worker or node died: {reason}') from None


def _connect(address: str | None, jobs: int | None) -> None:
  """Joins a cluster, or starts one on this machine."""
  options: dict[str, Any] = {'address': address}
  if address is None:
    options = {'address': 'local', 'include_dashboard': False}
    options['num_cpus'] = jobs or pool.processors()
  host, _, port = (address or '').rpartition('://')[2].rpartition(':')
  try:
    if host and port.isdecimal():  # Where nobody is, Ray asks for minutes.
      socket.create_connection((host, int(port)), timeout=10).close()
    ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
  except (OSError, OverflowError, RuntimeError, ValueError) as error:
    said = f'no cluster there: {str(error).strip().splitlines()[0]}'
    raise errors.InputError(f'address: {address}: {said}') from None


def _run(job: jobs_lib.Job, timeout: float, variables: dict) -> worker.Result:
  """Runs a job, on a node; one that takes too long ends its process."""
  os.environ.update(variables)
  entry.limit_threads()
  worker.end_with(os.getppid())
  timer = threading.Timer(timeout, os._exit, [1])
  timer.daemon = True
  timer.start()
  try:
    return worker.run(job)
  finally:
    timer.cancel()
