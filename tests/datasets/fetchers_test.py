"""Tests of lottery_ticket.datasets.fetchers, with servers on this machine."""

import contextlib
import http.server
import os
import pathlib
import sys
import threading
import time

import pytest

from lottery_ticket.datasets import fetchers
from lottery_ticket.foundations import errors

FILES = ('a', 'b')


@pytest.fixture
def limits(monkeypatch):
  monkeypatch.setattr(fetchers, 'MAX_DOWNLOAD_BYTES', 100_000)
  monkeypatch.setattr(fetchers, 'ANSWER_SECONDS', 1.0)
  monkeypatch.setattr(fetchers, 'DOWNLOAD_SECONDS', 1.5)
  monkeypatch.setattr(fetchers, 'CLIENT_SECONDS', 1.0)


@pytest.fixture
def serve():
  """Starts a server that answers with a function; returns its URL."""
  with contextlib.ExitStack() as stack:

    def start(answer):
      class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
          with contextlib.suppress(OSError):
            answer(self)

        def log_message(self, *_):
          pass

      server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
      server.daemon_threads = True
      server.block_on_close = False
      thread = threading.Thread(target=server.serve_forever, args=(0.05,))
      thread.start()
      stack.callback(server.server_close)
      stack.callback(thread.join)
      stack.callback(server.shutdown)
      return f'http://127.0.0.1:{server.server_port}/'

    yield start


@pytest.fixture
def make_client(tmp_path, monkeypatch):
  """Puts shell scripts first on PATH."""
  programs = tmp_path / 'bin'
  programs.mkdir()
  monkeypatch.setenv('PATH', f'bin{os.pathsep}{os.environ["PATH"]}')

  def make(name, script):
    (programs / name).write_text(f'#!/bin/sh\n{script}\n')
    (programs / name).chmod(0o755)

  return make


def refusal(fetch):
  """Returns why nothing is fetched; it takes little time and one line."""
  folder = pathlib.Path('scratch')
  folder.mkdir(exist_ok=True)
  started = time.monotonic()
  with pytest.raises(errors.InputError) as caught:
    fetch(folder)
  assert time.monotonic() - started < 10
  assert len(str(caught.value).splitlines()) == 1
  return str(caught.value)


def begin(handler, **headers):
  handler.send_response(200)
  for name, value in headers.items():
    handler.send_header(name.replace('_', '-'), value)
  handler.end_headers()


def endless(handler):
  begin(handler)
  while True:
    handler.wfile.write(bytes(10_000))


def dripping(handler):
  begin(handler)
  while True:
    handler.wfile.write(b'x')
    time.sleep(0.05)


def silent(handler):
  time.sleep(2)


def endless_headers(handler):
  handler.wfile.write(b'HTTP/1.0 200 OK\r\n')
  while True:
    handler.wfile.write(b'X-More: 1\r\n')


def missing(handler):
  handler.send_error(404)


def elsewhere(handler):
  handler.send_response(302)
  handler.send_header('Location', 'file:///etc/hostname')
  handler.end_headers()


def around(handler):
  handler.send_response(302)
  handler.send_header('Location', handler.path)
  handler.end_headers()


def no_http(handler):
  handler.wfile.write(b'\xff\0\n' * 100)


def test_downloads_quietly(serve, tmp_path, capfd):
  def answer(handler):
    begin(handler)
    handler.wfile.write(handler.path.encode())

  assert fetchers.mirror(serve(answer), FILES)(tmp_path) == tmp_path
  for file in FILES:
    assert (tmp_path / file).read_text() == f'/{file}'
  assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize(
  ('answer', 'why'),
  [
    (endless, 'a: has over 100000 bytes'),
    (dripping, 'took over 1 s'),
    (silent, ''),
    (endless_headers, 'a: got more than 100 headers'),
    (missing, 'a: 404 Client Error: Not Found'),
    (elsewhere, 'a: No connection adapters were found'),
    (around, 'a: Exceeded 30 redirects'),
    (no_http, 'a: '),
  ],
)
@pytest.mark.usefixtures('limits')
def test_a_bad_server_is_refused(serve, answer, why):
  assert refusal(fetchers.mirror(serve(answer), FILES)).startswith(why)


@pytest.mark.parametrize('length', ['3', '1000', '-5', 'many', '9' * 30])
def test_lies_about_the_length_bring_no_more_than_was_sent(
  serve, tmp_path, length
):
  def lie(handler):
    begin(handler, Content_Length=length)
    handler.wfile.write(b'x' * 10)

  with contextlib.suppress(errors.InputError):
    fetchers.mirror(serve(lie), ('a',))(tmp_path)
  if (tmp_path / 'a').exists():
    assert (tmp_path / 'a').read_bytes() in (b'x' * 3, b'x' * 10)


@pytest.mark.usefixtures('limits')
def test_the_time_is_that_of_all_files_together(serve):
  def slow(handler):
    time.sleep(0.4)
    begin(handler)
    handler.wfile.write(b'x')

  files = [str(number) for number in range(9)]
  assert refusal(fetchers.mirror(serve(slow), files)) == 'took over 1.5 s'


def test_a_host_that_cannot_be_reached_is_named_shortly():
  fetch = fetchers.mirror('http://127.0.0.1:1/', FILES)
  assert refusal(fetch) == 'a: Connection refused'
  fetch = fetchers.mirror('http://nowhere.invalid/', FILES)
  assert 'a: ' in refusal(fetch)


def test_runs_a_packages_clients(make_client, tmp_path):
  make_client('fetch', 'echo "$@" > "$1.tgz"; cat')  # There is no input.
  make_client('unpack', 'mkdir inner; mv "$1" inner')
  commands = [['fetch', 'name', 'a b'], ['unpack', '*']]
  (tmp_path / 'scratch').mkdir()
  folder = fetchers.package(commands, 'inner')(tmp_path / 'scratch')
  assert folder == tmp_path / 'scratch' / 'inner'
  assert (folder / 'name.tgz').read_text() == 'name a b\n'
  nothing = fetchers.package([], '/an/installed/package')
  assert nothing(tmp_path) == pathlib.Path('/an/installed/package')


@pytest.mark.parametrize(
  ('script', 'why'),
  [
    ("printf 'W: A warning\\nE: No package\\n' >&2; exit 100", '100: E: No'),
    ('exit 3', '3: it did not say why'),
    ('sleep 60', 'fetch took over 1 s'),
    ('exit 0', 'brought 0 files, wanted 1'),
    ('touch a b', 'brought 2 files, wanted 1'),
  ],
)
@pytest.mark.usefixtures('limits')
def test_says_what_a_client_said(make_client, script, why):
  make_client('fetch', script)
  assert why in refusal(fetchers.package([['fetch'], ['true', '*']], '.'))


def test_says_which_client_is_not_there():
  fetch = fetchers.package([['no-such-client', 'x']], '.')
  assert refusal(fetch) == 'no-such-client is not on PATH'


@pytest.mark.skipif(sys.platform == 'win32', reason='of a Unix')
def test_an_archive_cannot_write_elsewhere(tmp_path):
  import io
  import tarfile

  scratch = tmp_path / 'scratch'
  scratch.mkdir()
  with tarfile.open(scratch / 'a.tgz', 'w:gz') as archive:
    for name in ('../escaped', f'{tmp_path}/escaped'):
      member = tarfile.TarInfo(name)
      member.size = 1
      archive.addfile(member, io.BytesIO(b'x'))
  with contextlib.suppress(errors.InputError):
    fetchers.package([['tar', '-xzf', '*']], '.')(scratch)
  assert not (tmp_path / 'escaped').exists()
