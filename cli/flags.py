"""Calls functions with flags, like Python Fire, but strictly.

Fire calls first and complains afterwards, guesses types (`--output_dir=2018`
becomes a number), cuts `a#b` and takes abbreviations. Here every flag is
checked against the function's signature before anything is called, and parsed
as its parameter's annotation says; Fire then makes the call, and the help.
"""

import difflib
import functools
import inspect
import pathlib
import re
import sys
import types
import typing
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import fire
from fire import decorators
from fire import helptext
from fire import parser
from fire import trace

from lottery_ticket.foundations import errors

BAD_INPUT = 2  # Exit code.
FAILURE = 1  # Exit code.
INTERRUPTED = 130  # Exit code, as shells have it.

_LONGEST_MESSAGE = 4_000  # Characters.
_HELP = ('--help', '-h')
_BOOLEANS = {'true': True, '1': True, 'false': False, '0': False}


def call(
  function: Callable[..., Any], argv: Sequence[str] | None = None
) -> None:
  """Calls a function with the flags of the command line, and exits on errors.

  Positional-only parameters, and `*more`, are given by position, others as
  `--name=value` or `--name value`; a boolean also as `--name` or `--noname`,
  and its value, where that is a word of its own, as True or False.

  Args:
    function: What to call; its result is not used.
    argv: The command line without the program; `sys.argv` by default.

  Raises:
    SystemExit: With code 2 and one line on stderr for input that cannot be
      used, 1 for a file that cannot be read or written.
  """
  argv = sys.argv[1:] if argv is None else argv
  program = pathlib.Path(sys.argv[0]).name
  try:
    if any(argument in _HELP for argument in argv):
      print(_help(function, program))
      return
    command = normalize(function, argv)
    fire.Fire(_parsed_by_annotation(function), command=command, name=program)
  except errors.InputError as error:
    stop(error, BAD_INPUT)
  except OSError as error:
    stop(error, FAILURE)
  except KeyboardInterrupt:
    stop('interrupted', INTERRUPTED)


def stop(message: object, code: int) -> typing.NoReturn:
  """Ends the program with one line on stderr."""
  program = pathlib.Path(sys.argv[0]).name
  print(f'{program}: {_one_line(str(message))}', file=sys.stderr)
  sys.exit(code)


def _one_line(message: str) -> str:
  """Returns a message of any text as a line that any terminal can show."""
  if len(message) > _LONGEST_MESSAGE:
    half = _LONGEST_MESSAGE // 2
    message = f'{message[:half]} [...] {message[-half:]}'
  return ''.join(
    character if character.isprintable() else repr(character)[1:-1]
    for character in ' '.join(message.split())
  )


def _help(function: Callable[..., Any], program: str) -> str:
  """Returns Fire's help, without the forms that are not taken here."""

  @functools.wraps(function)
  def flags_only() -> None: ...

  signature = inspect.signature(function)
  flags_only.__signature__ = signature.replace(  # type: ignore[attr-defined]
    parameters=[
      parameter
      if _is_positional(parameter)
      else parameter.replace(kind=parameter.KEYWORD_ONLY)
      for parameter in signature.parameters.values()
    ]
  )
  flags_only.__doc__ = _one_line_each(function)
  text = helptext.HelpText(flags_only, trace.FireTrace(flags_only, program))
  text = text.split('\nNOTES\n')[0].rstrip()
  return re.sub(r'^( +)-\w, --', r'\1--', text, flags=re.MULTILINE)


def _one_line_each(function: Callable[..., Any]) -> str:
  """Returns a docstring with a line for each argument.

  Of lines that go on, Fire loses what follows a colon.
  """
  head, args, rest = (inspect.getdoc(function) or '').partition('\nArgs:\n')
  rest = re.sub(r'\n {3,}', ' ', rest)
  return head + args + re.sub(r'^ +\*+', '  ', rest, flags=re.MULTILINE)


def normalize(function: Callable[..., Any], argv: Sequence[str]) -> list[str]:
  """Returns a command line in full spelling, if the function can take it.

  Args:
    function: What will be called.
    argv: The command line without the program.

  Returns:
    The positional values, then `--name=value` for each flag.

  Raises:
    InputError: If a flag is unknown, given twice, missing or has a value that
      its parameter does not take, or there are too many or too few values.
  """
  parameters = inspect.signature(function).parameters
  positional, flags = _split(argv, parameters)
  _check_positional(positional, parameters)
  for name, parameter in parameters.items():
    if _is_positional(parameter):
      continue
    if name in flags:
      parse(flags[name], parameter)
    elif parameter.default is parameter.empty:
      raise errors.InputError(f'--{name} is missing')
  return positional + [f'--{name}={value}' for name, value in flags.items()]


def _split(
  argv: Sequence[str], parameters: typing.Mapping[str, inspect.Parameter]
) -> tuple[list[str], dict[str, str]]:
  """Splits a command line into positional values and {flag: value}."""
  positional: list[str] = []
  flags: dict[str, str] = {}
  rest = [_check_text(argument) for argument in argv]
  while rest:
    argument = rest.pop(0)
    if not argument.startswith('-'):
      positional.append(argument)
      continue
    if not argument.startswith('--'):
      raise errors.InputError(f'{argument}: no such flag; try --help')
    written, equals, value = argument[2:].partition('=')
    name, negated = _find(written.replace('-', '_'), parameters)
    if name in flags:
      raise errors.InputError(f'--{name} is given twice')
    is_boolean = parameters[name].annotation is bool
    if negated and equals:
      raise errors.InputError(f'--{written}: wanted no value, got {value!r}')
    if not equals and is_boolean:
      has_value = rest and not negated and rest[0].lower() in ('true', 'false')
      value = rest.pop(0) if has_value else str(not negated)
    elif not equals:
      if not rest or rest[0].startswith('--'):
        raise errors.InputError(f'--{name}: wanted a value')
      value = rest.pop(0)
    flags[name] = value
  return positional, flags


def _check_text(argument: str) -> str:
  """Returns an argument if a file can be called so and a record can hold it."""
  try:
    argument.encode()
  except UnicodeEncodeError:
    raise errors.InputError(f'wanted UTF-8 text, got {argument!r}') from None
  if '\0' in argument:
    raise errors.InputError(f'wanted text without NUL, got {argument!r}')
  return argument


def _find(
  name: str, parameters: typing.Mapping[str, inspect.Parameter]
) -> tuple[str, bool]:
  """Returns the parameter that a flag means, and whether it is negated."""
  names = [
    key
    for key, parameter in parameters.items()
    if not _is_positional(parameter)
  ]
  if name in names:
    return name, False
  positive = name.removeprefix('no')
  if positive in names and parameters[positive].annotation is bool:
    return positive, True
  close = difflib.get_close_matches(name, names, 1)
  hint = f'did you mean --{close[0]}?' if close else 'try --help'
  raise errors.InputError(f'--{name}: no such flag; {hint}')


def _is_positional(parameter: inspect.Parameter) -> bool:
  return parameter.kind in (
    parameter.POSITIONAL_ONLY,
    parameter.VAR_POSITIONAL,
  )


def _check_positional(
  values: Sequence[str], parameters: typing.Mapping[str, inspect.Parameter]
) -> None:
  wanted = [
    name.upper()
    for name, parameter in parameters.items()
    if parameter.kind is parameter.POSITIONAL_ONLY
  ]
  takes_more = any(
    parameter.kind is parameter.VAR_POSITIONAL
    for parameter in parameters.values()
  )
  if len(values) > len(wanted) and not takes_more:
    raise errors.InputError(
      f'{values[len(wanted)]!r}: unexpected; flags are given as --name=value'
    )
  if len(values) < len(wanted):
    raise errors.InputError(f'{wanted[len(values)]} is missing')


def parse(text: str, parameter: inspect.Parameter) -> Any:
  """Returns a flag's value as its parameter's annotation says.

  Text stays text where the annotation allows it, unless it is a list, tuple
  or dictionary and the annotation allows more than text.

  Raises:
    InputError: If the parameter does not take such a value.
  """
  kinds = _kinds(parameter.annotation)
  optional = types.NoneType in kinds and text == 'None'
  if optional:
    return None
  wanted = {kind for kind in kinds if kind is not types.NoneType}
  for kind, convert in ((bool, _boolean), (int, int), (float, float)):
    if wanted == {kind}:
      return _convert(text, parameter.name, kind, convert)
  if wanted == {str}:
    return text
  if str in wanted and not text.startswith(('[', '(', '{')):
    return text
  value = _literal(text)
  if isinstance(value, str) and text.startswith(('[', '(', '{')):
    raise errors.InputError(
      f"--{parameter.name}: wanted a list like ['a','b'], or a tuple or"
      f' dictionary with its text in quotes, got {text!r}'
    )
  return value


def _literal(text: str) -> Any:
  """Returns the Python literal that a text is, or else the text."""
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # Of escapes that Python does not know.
    # Python's parser says in many ways that it has had enough.
    try:
      return parser.DefaultParseValue(text)
    except Exception:
      return text


def _kinds(annotation: Any) -> set[Any]:
  """Returns the types that an annotation names, without their arguments."""
  if isinstance(annotation, types.UnionType) or (
    typing.get_origin(annotation) is typing.Union
  ):
    return set().union(*map(_kinds, typing.get_args(annotation)))
  return {typing.get_origin(annotation) or annotation}


def _boolean(text: str) -> bool:
  return _BOOLEANS[text.lower()]


def _convert(
  text: str, name: str, kind: type, convert: Callable[[str], Any]
) -> Any:
  wanted = {bool: 'True or False', int: 'an integer', float: 'a number'}[kind]
  try:
    return convert(text)
  except (KeyError, ValueError):
    raise errors.InputError(
      f'--{name}: wanted {wanted}, got {text!r}'
    ) from None


def _parsed_by_annotation(function: Callable[..., Any]) -> Callable[..., None]:
  """Wraps a function so that Fire parses each flag with `parse`."""

  @functools.wraps(function)
  def call_it(*args: Any, **kwargs: Any) -> None:
    function(*args, **kwargs)  # Fire would print what it returns.

  signature = inspect.signature(function)
  call_it.__signature__ = signature  # type: ignore[attr-defined]
  parsers = {
    name: functools.partial(parse, parameter=parameter)
    for name, parameter in signature.parameters.items()
  }
  return decorators.SetParseFns(**parsers)(decorators.SetParseFn(str)(call_it))
