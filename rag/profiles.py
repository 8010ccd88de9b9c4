"""Profiles: the rules that a language model gets with the evidence, for one kind of document each.

A profile is a file for each language, `<profile>.<language>.md`. Some come with Attest; an operator's own
stand in a folder, and one of the same name goes before the one that comes with Attest.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.errors import InvalidRequestError
from rag.wording import LANGUAGES, TEMPLATES, Wording, shipped

SETTING = "ATTEST_TEMPLATES"
LONGEST = 20_000  # characters of one file: more leaves a language model little room for evidence
DELIMITERS = ("<source>", "</source>")
"""What the evidence stands between: rules that do not name them leave it undeclared that it is data."""

_FILE = re.compile(rf"(?P<name>[\w-]{{1,64}})\.(?P<language>{'|'.join(LANGUAGES)})\.md")


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles there are, by name."""

    rules: Mapping[str, Wording]

    @property
    def names(self) -> tuple[str, ...]:
        """In order."""
        return tuple(sorted(self.rules))

    def rules_of(self, name: str) -> Wording:
        """A profile's rules; InvalidRequestError, which names the profiles there are, for another name."""
        self.require(name)
        return self.rules[name]

    def require(self, name: str) -> None:
        """InvalidRequestError, which names the profiles there are, where there is none of this name."""
        if name not in self.rules:
            raise InvalidRequestError(
                f"there is no profile {name!r}; there are {', '.join(self.names)}", "profile"
            )


def open_profiles(folder: Path | None = None) -> Profiles:
    """Those that come with Attest, and those of a folder; InvalidRequestError names a file at fault."""
    return Profiles({**_shipped_rules(), **(_rules_in(folder) if folder else {})})


def _shipped_rules() -> dict[str, Wording]:
    names = {item.name.partition(".")[0] for item in TEMPLATES.iterdir() if item.is_file()}
    return {name: shipped(name) for name in names}


def _rules_in(folder: Path) -> dict[str, Wording]:
    """Files that do not end in .md are no profiles and are left alone."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".md")
    except OSError as error:
        raise InvalidRequestError(
            f"{SETTING}: the folder {folder} cannot be read ({error.strerror}); name one that can"
        ) from error
    found: dict[str, dict[str, str]] = {}
    for path in files:
        name, language = _named(path)
        found.setdefault(name, {})[language] = _rules(path)
    for name, rules in found.items():
        _require_every_language(folder, name, rules)
    return dict(found)


def _named(path: Path) -> tuple[str, str]:
    """A file's profile and language."""
    match = _FILE.fullmatch(path.name)
    if match is None:
        wanted = " or ".join(f"NAME.{language}.md" for language in LANGUAGES)
        raise _fault(path, f"a profile's file is called {wanted}; rename it, or keep it in another folder")
    return match["name"], match["language"]


def _rules(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(path, f"it cannot be read as UTF-8 ({error}); save it as UTF-8 text") from error
    if len(text) > LONGEST:
        raise _fault(path, f"it has {len(text):,} characters; shorten it to {LONGEST:,}")
    missing = [delimiter for delimiter in DELIMITERS if delimiter not in text]
    if missing:
        raise _fault(
            path,
            f"it does not name {' and '.join(missing)}, so the evidence is not declared to be data; begin it "
            f"as the profile general begins",
        )
    return text


def _require_every_language(folder: Path, name: str, languages: Iterable[str]) -> None:
    missing = [language for language in LANGUAGES if language not in languages]
    if missing:
        raise _fault(folder / f"{name}.{missing[0]}.md", "the profile lacks this language; add the file")


def _fault(path: Path, fault: str) -> InvalidRequestError:
    return InvalidRequestError(f"{SETTING}: {path}: {fault}")
