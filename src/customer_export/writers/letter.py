"""The covering document of an answer to a data subject, as people read it; PDF, XLSX and ZIP lay it out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from customer_export.model.customer_map import Exclusion
from customer_export.model.disclosure import Withheld
from customer_export.model.document import Document
from customer_export.model.dsar import CoveredSection, Covering
from customer_export.writers.locale import Locale, Word
from customer_export.writers.locale.letter_words import letter_words


@dataclass(frozen=True, slots=True)
class Line:
    """What stands beside a label; without a label it is a paragraph."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Some lines that belong together, under a title of their own or none."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the letter."""

    heading: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The whole letter; `basis` names the law, `short_title` is what a sheet's tab has room for.

    `language` is that of its own words, a tag of BCP 47.
    """

    language: str
    title: str
    short_title: str
    basis: str
    opening: str
    facts: tuple[Line, ...]
    parts: tuple[Part, ...]


def letter_of(document: Document, covering: Covering, locale: Locale) -> Letter:
    """Write the covering document in the words of a locale, or in English where there are none."""
    words = letter_words(locale.tag)
    about, profile = covering.information, covering.profile
    return Letter(
        language=words["language"],
        title=words[f"title_{profile}"],
        short_title=words["covering_document"],
        basis=words[f"basis_{profile}"],
        opening=words[f"opening_{profile}"].format(controller=about.controller),
        facts=tuple(_facts(document, covering, locale, words)),
        parts=(
            Part(words["sections"], tuple(_section(section, words) for section in covering.sections)),
            *_processing(covering, words),
            Part(words["rights"], (_rights(covering, words),)),
            Part(words["withheld"], tuple(_withheld(document, covering, words))),
        ),
    )


def _facts(document: Document, covering: Covering, locale: Locale, words: Mapping[str, str]) -> Iterator[Line]:
    request, word = document.request, locale.word
    yield Line(words["controller"], covering.information.controller)
    yield Line(words["contact"], covering.information.contact)
    if document.customer_title:
        yield Line(word(Word.CUSTOMER), document.customer_title)
    yield Line(word(Word.CUSTOMER_ID), request.customer_id)
    yield Line(word(Word.SNAPSHOT_TAKEN), locale.format_timestamp(document.snapshot_at, with_offset=True))
    yield Line(word(Word.EXPORT_ID), document.export_id)
    period = request.period
    for key, moment in ((Word.FROM, period.start), (Word.TO, period.end)):
        if moment is not None:
            yield Line(word(key), locale.format_timestamp(moment.isoformat(), with_offset=True))


def _section(section: CoveredSection, words: Mapping[str, str]) -> Entry:
    side = section.side
    told = (
        ("categories", ", ".join(words[f"class_{one}"] for one in section.classes) or words["class_none"]),
        ("purpose", side.purpose),
        ("recipients", side.recipients),
        ("retention", side.retention),
        ("origin", _origin(section, words)),
        ("obtained_from", side.obtained_from),
    )
    return Entry(section.label, tuple(Line(words[key], text) for key, text in told if text))


def _origin(section: CoveredSection, words: Mapping[str, str]) -> str:
    origin = section.side.origin
    others = (f"{words[f'origin_{one}']}: {', '.join(labels)}" for one, labels in section.other_origins.items())
    return "; ".join([*([] if origin is None else [words[f"origin_{origin}"]]), *others])


def _processing(covering: Covering, words: Mapping[str, str]) -> Iterator[Part]:
    about = covering.information
    told = (("transfers", about.transfers), ("automated_decisions", about.automated_decisions))
    lines = tuple(Line(words[key], text) for key, text in told if text)
    if lines:
        yield Part(words["processing"], (Entry("", lines),))


def _rights(covering: Covering, words: Mapping[str, str]) -> Entry:
    about = covering.information
    lines = [Line("", about.rights or words[f"rights_{covering.profile}"])]
    if about.authority:
        lines.append(Line(words["authority"], about.authority))
    return Entry("", tuple(lines))


def _withheld(document: Document, covering: Covering, words: Mapping[str, str]) -> Iterator[Entry]:
    by_section: dict[str, list[Line]] = {}
    for one in covering.withheld:
        by_section.setdefault(one.label, []).append(Line(", ".join(one.columns), _reason(one, words)))
    for label in covering.not_requested:
        by_section.setdefault(label, []).append(Line("", words["reason_not-requested"]))
    for title, lines in by_section.items():
        yield Entry(title, tuple(lines))
    if covering.excluded:
        yield Entry(words["excluded"], tuple(map(_excluded, covering.excluded)))
    if not document.request.period.unbounded:
        yield Entry("", (Line("", words["reason_period"]),))
    elif not by_section and not covering.excluded:
        yield Entry("", (Line("", words["withheld_nothing"]),))


def _excluded(exclusion: Exclusion) -> Line:
    return Line(": ".join(filter(None, [str(exclusion.table), ", ".join(exclusion.columns)])), exclusion.reason)


def _reason(withheld: Withheld, words: Mapping[str, str]) -> str:
    kind = "" if withheld.protected is None else words[f"protected_{withheld.protected}"]
    return words[f"reason_{withheld.reason}"].format(kind=kind)
