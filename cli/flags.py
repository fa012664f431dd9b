"""Calls functions with the flags of a command line, strictly.

Python Fire alone calls first and complains afterwards, guesses types
(`--output_dir=2018` becomes a number), cuts `a#b` and takes abbreviations. Here
every flag is first read as its parameter's annotation says; then Fire calls.
"""

import ast
import contextlib
import difflib
import inspect
import os
import pathlib
import re
import sys
import types
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import fire

from lottery_ticket.foundations import errors

BAD_INPUT = 2  # Exit code.
FAILURE = 1  # Exit code.
INTERRUPTED = 130  # Exit code, as shells have it.

_LONGEST_MESSAGE = 4_000  # Characters.
_ALIKE = 0.7  # At least: the ratio of a flag to one that is meant.
_WIDEST_FLAG = 34  # Characters of --help before a flag's text.
_WORDS = re.compile(r'\[ *[\w./~-]+( *, *[\w./~-]+)* *\]')
"""Lists of names and paths as they are written: [own,noise_0.5x]."""
_REQUIRED = ' (required)'
_BOOLEANS = {'true': True, '1': True, 'false': False, '0': False}
_PLAIN: dict[type, tuple[str, Callable[[str], Any]]] = {
  bool: ('True or False', lambda text: _BOOLEANS[text.lower()]),
  int: ('an integer', int),
  float: ('a number', float),
}
_SPOKEN: dict[Any, str] = {
  **{str: 'TEXT', int: 'INTEGER', float: 'NUMBER', os.PathLike: 'FOLDER'},
  **{list: 'LIST', tuple: 'LIST', dict: '{NAME:VALUE}'},
}
"""How --help calls what a flag takes."""

Parameters = Mapping[str, inspect.Parameter]
Hint = Callable[[str], str]


def call(
  function: Callable[..., Any],
  argv: Sequence[str] | None = None,
  values: type | None = None,
  *,
  hint: Hint = lambda _: 'try --help',
  prepare: Callable[[], object] = lambda: None,
) -> Any:
  """Calls a function with the flags of the command line.

  Positional-only parameters, and `*more`, are given by position, others as
  `--name=value` or `--name value`; a boolean also as `--name` or `--noname`,
  and its value, as a word of its own, as True or False. Bad input ends the
  program as `exiting` says.

  Args:
    function: What to call.
    argv: The command line without the program; `sys.argv` by default.
    values: A dataclass whose fields are the flags that the function takes as
      `**values`; only those that are given are passed.
    hint: Returns what to say of a flag that is not there and resembles none.
    prepare: Called before the function, once the flags have been checked.

  Returns:
    What the function returns; None if help was asked for.
  """
  argv = sys.argv[1:] if argv is None else argv
  with exiting():
    if {'--help', '-h'} & set(argv):
      print(describe(function, values))
      return None
    positional, given = read(function, argv, values, hint)
    prepare()
    return fire.Fire(
      lambda: function(*positional, **given),
      command=[],
      serialize=lambda _: None,  # Else Fire prints what is returned.
    )


@contextlib.contextmanager
def exiting() -> Iterator[None]:
  """Ends the program with one line on stderr instead of a traceback.

  The exit code is 2 for input that cannot be used, 1 for a file that cannot be
  read or written and for a training that diverged; the error is its cause.
  """
  try:
    yield
  except errors.InputError as error:
    stop(error, BAD_INPUT)
  except (OSError, errors.DivergedError) as error:
    stop(error, FAILURE)
  except KeyboardInterrupt:
    stop('interrupted', INTERRUPTED)


def stop(message: object, code: int) -> typing.NoReturn:
  """Ends the program with one line on stderr."""
  print(f'{_program()}: {_one_line(str(message))}', file=sys.stderr)
  cause = message if isinstance(message, BaseException) else None
  raise SystemExit(code) from cause


def _program() -> str:
  return pathlib.Path(sys.argv[0]).name


def _one_line(message: str) -> str:
  """Returns a message of any text as a line that any terminal can show."""
  if len(message) > _LONGEST_MESSAGE:
    half = _LONGEST_MESSAGE // 2
    message = f'{message[:half]} [...] {message[-half:]}'
  return ''.join(
    character if character.isprintable() else repr(character)[1:-1]
    for character in ' '.join(message.split())
  )


def read(
  function: Callable[..., Any],
  argv: Sequence[str],
  values: type | None = None,
  hint: Hint = lambda _: 'try --help',
) -> tuple[list[str], dict[str, Any]]:
  """Returns what a command line gives a function, by position and by name."""
  flags, wanted, takes_more = {}, [], False
  for name, parameter in _parameters(function, values).items():
    takes_more |= parameter.kind is parameter.VAR_POSITIONAL
    if parameter.kind is parameter.POSITIONAL_ONLY:
      wanted.append(name.upper())
    elif parameter.kind is not parameter.VAR_POSITIONAL:
      flags[name] = parameter
  positional, texts = _split(argv, flags, hint)
  missing = wanted[len(positional) :] + [
    f'--{name}'
    for name, parameter in flags.items()
    if parameter.default is parameter.empty and name not in texts
  ]
  if len(positional) > len(wanted) and not takes_more:
    said = 'unexpected; flags are given as --name=value'
    raise errors.InputError(f'{positional[len(wanted)]!r}: {said}')
  if missing:
    raise errors.InputError(f'{missing[0]} is missing')
  given = {name: parse(text, flags[name]) for name, text in texts.items()}
  return _expanded(positional), _expanded(given)


def _expanded(value: Any) -> Any:
  """Returns a value with ~ as the user's home; only paths begin so."""
  if isinstance(value, str):
    return os.path.expanduser(value)
  if isinstance(value, (list, tuple)):
    return type(value)(map(_expanded, value))
  if isinstance(value, dict):
    return {name: _expanded(item) for name, item in value.items()}
  return value


def _parameters(function: Callable, values: type | None) -> Parameters:
  """Returns what a command line may give; `values` in place of `**values`."""
  parameters = {
    name: parameter
    for name, parameter in inspect.signature(function).parameters.items()
    if parameter.kind is not parameter.VAR_KEYWORD
  }
  for name, kind in typing.get_type_hints(values).items() if values else ():
    parameter = inspect.Parameter(
      name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind
    )
    parameters.setdefault(name, parameter)
  return parameters


def _split(
  argv: Sequence[str], flags: Parameters, hint: Hint
) -> tuple[list[str], dict[str, str]]:
  """Splits a command line into positional values and {flag: value}."""
  for word in argv:  # Files can be called so, and records can hold it.
    if '\0' in word or any('\ud800' <= c <= '\udfff' for c in word):
      raise errors.InputError(f'wanted UTF-8 text without NUL, got {word!r}')
  positional: list[str] = []
  texts: dict[str, str] = {}
  switches = {name for name in flags if flags[name].annotation is bool}
  rest = list(argv)
  while rest:
    argument = rest.pop(0)
    if not argument.startswith('-'):
      positional.append(argument)
      continue
    written, equals, value = argument.partition('=')
    has_next = not equals and bool(rest) and not rest[0].startswith('--')
    name = written[2:].replace('-', '_')
    negated = name not in flags and name.removeprefix('no') in switches
    if negated:
      name = name.removeprefix('no')
    if not written.startswith('--'):
      raise errors.InputError(f'{argument}: no such flag; try --help')
    if name not in flags:
      whole = f'{argument}={rest[0]}' if has_next else argument
      raise errors.InputError(_unknown(whole, name, flags, hint))
    if name in texts:
      raise errors.InputError(f'--{name} is given twice')
    errors.require(not (negated and equals), written, 'no value', repr(value))
    if not equals and name in switches:
      is_said = has_next and rest[0].lower() in ('true', 'false')
      value = rest.pop(0) if is_said and not negated else str(not negated)
    elif not equals:
      if not has_next:
        raise errors.InputError(f'--{name}: wanted a value')
      value = rest.pop(0)
    texts[name] = value
  return positional, texts


def _unknown(flag: str, name: str, flags: Parameters, hint: Hint) -> str:
  """Returns what to say of a flag, as it was given, that there is not."""
  advice = hint(flag)
  for known in flags:
    if name == ''.join(word[:1] for word in known.split('_')):
      _, equals, value = flag.partition('=')
      advice = f'did you mean --{known}{equals}{value}?'
  for close in difflib.get_close_matches(name, flags, 1, _ALIKE):
    advice = f'did you mean --{close}?'
  return f'--{name}: no such flag; {advice}'


def parse(text: str, parameter: inspect.Parameter) -> Any:
  """Returns a flag's value as its parameter's annotation says.

  Text stays text where the annotation allows it, unless it is a list, tuple
  or dictionary and the annotation allows more than text.
  """
  name = f'--{parameter.name}'
  kinds = {typing.get_origin(kind) or kind for kind in _union(parameter)}
  if types.NoneType in kinds and text == 'None':
    return None
  kinds.discard(types.NoneType)
  if len(kinds) == 1 and kinds <= _PLAIN.keys():
    wanted, convert = _PLAIN[kinds.pop()]
    with contextlib.suppress(KeyError, ValueError):
      return convert(text)
    raise errors.InputError(f'{name}: wanted {wanted}, got {text!r}')
  is_literal = text.startswith(('[', '(', '{'))
  if kinds == {str} or (str in kinds and not is_literal):
    return text
  value = _literal(text)
  if value == text and _WORDS.fullmatch(text):
    value = text[1:-1].replace(' ', '').split(',')
  is_right = not (isinstance(value, str) and is_literal)
  wanted = "a list like ['a','b'], or a tuple or dictionary with text in quotes"
  errors.require(is_right, name, wanted, repr(text))
  for kind in _union(parameter):
    if typing.get_origin(kind) is list:
      return _items(name, value, *typing.get_args(kind))
  return value


def _items(name: str, value: Any, kind: Any) -> list[Any]:
  """Returns a list of items of some type; one item is a list, too."""
  items = list(value) if isinstance(value, (list, tuple)) else [value]
  kinds = typing.get_args(kind) or (kind,)
  example = 'integers, like [3,15]' if int in kinds else 'names, like [a,b]'
  is_right = items and all(type(item) in kinds for item in items)
  errors.require(is_right, name, f'a list of {example}', repr(value))
  return items


def _union(parameter: inspect.Parameter) -> Sequence[Any]:
  """Returns the types that a parameter's annotation joins with |."""
  annotation = parameter.annotation
  if typing.get_origin(annotation) in (types.UnionType, typing.Union):
    return typing.get_args(annotation)
  return (annotation,)


class _QuotedNames(ast.NodeTransformer):
  """Takes bare words as text: {layer0: 0.2}."""

  def visit_Name(self, node: ast.Name) -> ast.Constant:
    return ast.Constant(node.id)


def _literal(text: str) -> Any:
  """Returns the Python literal that a text is, or else the text."""
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # Of escapes that Python does not know.
    # Python's parser says in many ways that it has had enough.
    try:
      tree = ast.parse(text.strip(), mode='eval')
      return ast.literal_eval(_QuotedNames().visit(tree))
    except Exception:
      return text


def describe(function: Callable[..., Any], values: type | None = None) -> str:
  """Returns what --help shows: a line a flag, then examples.

  The words are those of the function's `Args` and `Examples` (flags, or whole
  commands that begin with `python`), and of the `Attributes` of `values`.
  """
  told: dict[str, str] = {}
  for kind in reversed(values.__mro__ if values else ()):  # Parents first.
    told |= _told(kind, 'Attributes')
  told |= _told(function, 'Args')
  lines = {}
  for name, parameter in _parameters(function, values).items():
    lines[_form(parameter)] = told.get(name, '') + _default(parameter)
  width = min(max(map(len, lines), default=0), _WIDEST_FLAG)
  required = [form for form, text in lines.items() if text.endswith(_REQUIRED)]
  shown = [f'  {form:{width}}  {said}'.rstrip() for form, said in lines.items()]
  shown += ['', 'Examples:']
  for words in _entries(function, 'Examples') or [' '.join(required)]:
    program = '' if words.startswith('python') else f'{_program()} '
    # Some shells take brackets for patterns.
    words = re.sub(r'(?<!\S)(--\w+=\S*[\[{]\S*)', r'"\1"', words)
    shown.append(f'  {program}{words}'.rstrip())
  head, *_ = re.split(r'\n(?:Args|Returns|Raises|Examples):\n', _doc(function))
  return '\n'.join([head.strip(), '', *shown])


def _form(parameter: inspect.Parameter) -> str:
  """Returns how a parameter is given, like --iterations=INTEGER."""
  if parameter.kind is parameter.POSITIONAL_ONLY:
    return parameter.name.upper()
  if parameter.kind is parameter.VAR_POSITIONAL:
    return f'{parameter.name.upper()} ...'
  if parameter.annotation is bool:
    return f'--[no]{parameter.name}'
  kinds = [kind for kind in _union(parameter) if kind is not types.NoneType]
  if os.PathLike in kinds:  # Arrays are for Python, not for flags.
    kinds = [kind for kind in kinds if kind in (os.PathLike, list, tuple)]
  return f'--{parameter.name}={" or ".join(map(_spoken, kinds))}'


def _spoken(kind: Any) -> str:
  parts = typing.get_args(kind)
  if typing.get_origin(kind) is tuple and Ellipsis not in parts:
    return ','.join(map(_spoken, parts))
  return _SPOKEN.get(typing.get_origin(kind) or kind, 'VALUE')


def _default(parameter: inspect.Parameter) -> str:
  if parameter.default is parameter.empty:
    return '' if parameter.kind is parameter.VAR_POSITIONAL else _REQUIRED
  is_plain = parameter.default in (None, False, '')
  return '' if is_plain else f' (default: {parameter.default})'


def _told(documented: Any, section: str) -> dict[str, str]:
  """Returns what a docstring's section says of each name."""
  parts = [entry.partition(': ') for entry in _entries(documented, section)]
  return {name.lstrip('*'): words for name, _, words in parts}


def _doc(documented: Any) -> str:
  # A partial function has the words of its function, not a class of its own.
  return inspect.getdoc(getattr(documented, 'func', documented)) or ''


def _entries(documented: Any, section: str) -> list[str]:
  """Returns the entries of a docstring's section, each in one line."""
  found = re.search(rf'\n{section}:((?:\n  .*)+)', _doc(documented))
  entries = re.split(r'\n  (?! )', found[1])[1:] if found else []
  return [' '.join(entry.split()) for entry in entries]
