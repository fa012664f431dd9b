"""Runs the notebooks, small, and looks at what is stored of a real run."""

import base64
import json
import os
import re
import textwrap

import pytest

NAMES = ('winning_ticket', 'your_own_model')
FIGURES = {'winning_ticket': 5, 'your_own_model': 4}
MAX_BYTES = {'notebook': 500_000, 'figure': 100_000}


@pytest.fixture(params=NAMES)
def path(request, root):
  return root / 'notebooks' / f'{request.param}.ipynb'


def outputs(notebook):
  return [
    output
    for cell in notebook['cells']
    if cell['cell_type'] == 'code'
    for output in cell['outputs']
  ]


def figures(notebook):
  return [
    base64.b64decode(output['data']['image/png'])
    for output in outputs(notebook)
    if 'image/png' in output.get('data', {})
  ]


def check_outputs(notebook, name):
  kinds = {
    (each['output_type'], each.get('name')) for each in outputs(notebook)
  }
  assert kinds == {
    ('stream', 'stdout'),
    ('display_data', None),
    ('execute_result', None),
  }
  drawn = figures(notebook)
  assert len(drawn) == FIGURES[name]
  assert all(png.startswith(b'\x89PNG') and len(png) > 5_000 for png in drawn)


def solutions(notebook):
  """The exercises' code and what it should print, [(code, answer)]."""
  prose = ''.join(notebook['cells'][-1]['source'])
  folded = re.findall(
    r'<details>.*?```python\n(.*?)```\n(.*?)</details>', prose, re.DOTALL
  )
  assert len(folded) == prose.count('<details>') >= 2
  return [(textwrap.dedent(code), answer) for code, answer in folded]


@pytest.mark.slow
def test_runs_from_top_to_bottom(path, root, mnist, tmp_path, monkeypatch):
  import nbclient
  import nbformat

  # `make notebooks` runs them whole, and then the answers have to be true.
  size = os.environ.get('LOTTERY_TICKET_NOTEBOOK_SIZE', 'small')
  location = mnist if size == 'small' else str(root / 'data' / 'mnist')
  monkeypatch.setenv('LOTTERY_TICKET_NOTEBOOK_SIZE', size)
  monkeypatch.setenv('LOTTERY_TICKET_MNIST', location)
  monkeypatch.setenv('TQDM_DISABLE', '1')  # Bars are for people.
  monkeypatch.setenv('IPYTHONDIR', str(tmp_path / 'ipython'))
  notebook = nbformat.read(path, 4)
  nbformat.validate(notebook)
  stored = [cell.pop('outputs', None) for cell in notebook.cells]
  assert any(stored)
  for cell in notebook.cells:
    if cell.cell_type == 'code':
      cell.outputs = []
  answered, metadata = solutions(notebook), notebook.metadata.copy()
  own = len(notebook.cells)
  notebook.cells += [nbformat.v4.new_code_cell(code) for code, _ in answered]
  nbclient.NotebookClient(
    notebook,
    timeout=600,
    kernel_name='python3',
    record_timing=False,
    resources={'metadata': {'path': str(tmp_path)}},
  ).execute()
  for cell, (_, answer) in zip(notebook.cells[own:], answered, strict=True):
    said = ''.join(output.get('text', '') for output in cell.outputs)
    measured, told = (set(re.findall(r'[\d.]+%', x)) for x in (said, answer))
    assert measured and (size == 'small' or measured <= told), said
  del notebook.cells[own:]
  notebook.metadata = metadata
  nbformat.write(notebook, tmp_path / path.name)  # To be looked at, or stored.
  check_outputs(notebook, path.stem)
  assert list(tmp_path.glob('results/notebook*/trial1/2/reinit/run.json'))


def test_stores_what_a_run_has_shown(path):
  text = path.read_text(encoding='utf-8')
  notebook = json.loads(text)
  assert len(text) < MAX_BYTES['notebook']
  check_outputs(notebook, path.stem)
  assert all(len(png) < MAX_BYTES['figure'] for png in figures(notebook))
  counts = [
    cell['execution_count']
    for cell in notebook['cells']
    if cell['cell_type'] == 'code'
  ]
  assert counts == list(range(1, len(counts) + 1))


def test_says_nothing_of_the_machine_it_ran_on(path):
  notebook = json.loads(path.read_text(encoding='utf-8'))
  assert set(notebook['metadata']) == {'kernelspec', 'language_info'}
  assert not any(cell['metadata'] for cell in notebook['cells'])
  said = json.dumps(
    [
      output.get('text') or output['data'].get('text/plain')
      for output in outputs(notebook)
    ]
  )
  assert not re.search(
    r'/(home|root|tmp|work|Users)\b|0x[0-9a-f]{6}|it/s', said
  )
  assert 'Warning' not in said


def test_links_lead_somewhere(path):
  notebook = json.loads(path.read_text(encoding='utf-8'))
  prose = ''.join(
    line
    for cell in notebook['cells']
    if cell['cell_type'] == 'markdown'
    for line in cell['source']
  )
  links = re.findall(r'\]\((?!http)([^)#]+)\)', prose)
  assert links
  for link in links:
    assert (path.parent / link).is_file(), link
