"""What a person has set: options before the environment, the environment before the file."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from lmchat.client.address import ServerAddress
from lmchat.protocol.child_process import Alias
from lmchat.values.config import LlmPredictionConfig, read_config
from lmchat.values.errors import LMStudioValueError, SettingsError

_TITLES: Final = ("words", "model")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, each with the name that it has in the file."""

    host: str | None = None
    """The server, `host:port` or a `ws://`/`wss://` address; None: one found on this machine, else our engine."""
    model: str | None = None
    """A model key, or the path of a GGUF file for our own engine; None: what the server has loaded."""
    system_prompt: str | None = None
    """How the model is to behave in new conversations."""
    theme: str | None = None
    """The name of a theme; None: the default one."""
    titles: str | None = None
    """Who gives conversations their titles: "words", the first of them, or "model", when it is idle."""
    aliases: dict[str, Alias] = {}
    """Further names under which our own engine serves models."""
    prediction: LlmPredictionConfig = LlmPredictionConfig()
    """Options of each prediction; what is not set is the server's to decide."""

    def with_structure(self, structure: dict[str, Any]) -> Settings:
        """The settings with a form that answers must have, as the protocol writes it."""
        prediction = msgspec.structs.replace(self.prediction, structured=structure)
        return msgspec.structs.replace(self, prediction=prediction)


def load_settings(file: Path) -> Settings:
    """The settings of a file and the environment; a file that does not exist sets nothing.

    Raises:
        SettingsError: the file cannot be read, or a line of it is wrong; the message shows the line.
    """
    settings = _read_file(file)
    return merge(settings, host=os.environ.get("LMCHAT_HOST"), model=os.environ.get("LMCHAT_MODEL"))


def merge(
    settings: Settings,
    *,
    host: str | None = None,
    model: str | None = None,
    system_prompt: str | None = None,
    options: Sequence[str] = (),
) -> Settings:
    """The settings with those given put over them; what is None or empty leaves the setting as it is.

    Args:
        options: prediction options as `name=value`, the value as in TOML, or plain text.

    Raises:
        SettingsError: the host is no address, or an option is unknown or does not fit.
    """
    if host:
        _require_address(host)
    return msgspec.structs.replace(
        settings,
        host=host or settings.host,
        model=model or settings.model,
        system_prompt=settings.system_prompt if system_prompt is None else system_prompt,
        prediction=_with_options(settings.prediction, options),
    )


def _require_address(host: str) -> None:
    try:
        ServerAddress.parse(host)
    except LMStudioValueError as wrong:
        raise SettingsError(str(wrong)) from wrong


def _with_options(config: LlmPredictionConfig, options: Sequence[str]) -> LlmPredictionConfig:
    given: dict[str, Any] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise SettingsError(f"{option!r} sets nothing. Write name=value, such as temperature=0.6.")
        given[name.strip()] = _value(value.strip())
    try:
        over = read_config(given, LlmPredictionConfig)
    except LMStudioValueError as wrong:
        raise SettingsError(str(wrong)) from wrong
    changed = {name: value for name in over.__struct_fields__ if (value := getattr(over, name)) is not None}
    return msgspec.structs.replace(config, **changed)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _read_file(file: Path) -> Settings:
    try:
        # Windows' Notepad puts a byte order mark before the text.
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is not UTF-8 text"
        raise SettingsError(
            f"The settings in {file} cannot be read: {reason}. Mend the file, or move it away."
        ) from wrong
    try:
        return _convert(tomllib.loads(text))
    except tomllib.TOMLDecodeError as wrong:
        line = re.search(r"line (\d+)", str(wrong))
        number = int(line[1]) if line else len(text.splitlines())
        raise _wrong_line(file, text, number, re.sub(r"\s*\(at .*\)$", "", str(wrong))) from wrong
    except _WrongSetting as wrong:
        raise _wrong_line(file, text, _line_of(text, wrong.name), wrong.reason) from wrong


class _WrongSetting(Exception):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason


def _convert(table: dict[str, Any]) -> Settings:
    for name in table:
        if name not in Settings.__struct_fields__:
            near = difflib.get_close_matches(name, Settings.__struct_fields__, n=1)
            raise _WrongSetting(
                name, f"there is no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
    prediction = table.pop("prediction", {})
    if not isinstance(prediction, dict):
        raise _WrongSetting("prediction", "'prediction' is a table; write [prediction], and below it one option a line")
    aliases = _aliases(table.pop("aliases", {}))
    for name, value in table.items():
        if not isinstance(value, str):
            raise _WrongSetting(name, f"{name!r} takes text in quotes")
    for name, value in prediction.items():
        try:
            read_config({name: value}, LlmPredictionConfig)
        except LMStudioValueError as wrong:
            raise _WrongSetting(name, str(wrong).rstrip(".")) from wrong
    if host := table.get("host"):
        try:
            _require_address(host)
        except SettingsError as wrong:
            raise _WrongSetting("host", str(wrong).rstrip(".")) from wrong
    if table.get("titles") not in (None, *_TITLES):
        raise _WrongSetting("titles", f"'titles' is one of {' and '.join(map(repr, _TITLES))}")
    return Settings(**table, aliases=aliases, prediction=read_config(prediction, LlmPredictionConfig))


def _aliases(table: Any) -> dict[str, Alias]:
    """Each is a table, or just the model that it stands for."""
    if not isinstance(table, dict):
        raise _WrongSetting("aliases", "'aliases' is a table; write [aliases], and below it NAME = \"MODEL\"")
    aliases = {}
    for name, value in table.items():
        try:
            aliases[name] = msgspec.convert({"model": value} if isinstance(value, str) else value, Alias)
        except msgspec.ValidationError as wrong:
            raise _WrongSetting(name, f"the alias {name!r} does not fit: {wrong}") from wrong
    return aliases


def _line_of(text: str, name: str) -> int:
    """The line on which a name is set: at its beginning, else anywhere, as in an inline table."""
    quoted = rf"[\"']?{re.escape(name)}[\"']?"
    for pattern in (rf"\s*\[?\s*{quoted}\s*[\]=]", rf".*(?<![\w-]){quoted}(?![\w-])"):
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(pattern, line):
                return number
    return 1


def _wrong_line(file: Path, text: str, number: int, reason: str) -> SettingsError:
    lines = text.splitlines()
    shown = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return SettingsError(f"{file}, line {number}: {reason}.\n    {shown}\nMend the line, or take it out.")


def gguf_file(model: str | None) -> Path | None:
    """The file that a model setting names, if it names one."""
    if model is None or not model.lower().endswith(".gguf"):
        return None
    path = Path(model).expanduser()
    return path.resolve() if path.exists() or path.is_absolute() or model.startswith((".", "~")) else None
