"""The query parameters: typed, checked, and turned into a request. An unknown or repeated one is an error."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from customer_export.encryption.choice import read_encryption
from customer_export.export.mistakes import invalid_parameters, read_given
from customer_export.model.customer_map import CustomerMap, KeyType
from customer_export.model.disclosure import DsarProfile
from customer_export.model.request import (
    Attachment,
    CsvOptions,
    CsvProfile,
    Encryption,
    ExportFormat,
    ExportRequest,
    Period,
)
from customer_export.model.template import ExportTemplate
from customer_export.model.time_zones import zone_names
from customer_export.writers.csv import DELIMITERS
from customer_export.writers.locale import LOCALES, parse_locale

LONGEST_ID = 255  # characters of a text key; longer ones are no keys that anybody indexes
NOT_PORTABLE = frozenset({ExportFormat.PDF, ExportFormat.XLSX})
"""What Article 20 does not take for machine-readable: WP 242 names XML, JSON and CSV."""
CSV_ONLY = ("delimiter", "bom", "profile")

KEPT_REQUESTS = 1024  # requests come again, from the same people and for the same customers; each takes a kilobyte

Parameters = Sequence[tuple[str, str]]
"""Query parameters as they came: repeated ones stand there more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks for: parameters, filled in by the template if they name one, and the map to read them by.

    `customer_map` is the map as they may see it, as the template or the answer to a data subject shows it.
    """

    parameters: Parameters
    customer_map: CustomerMap
    template: ExportTemplate | None = None


def _names(value: object) -> object:
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


def _moment(value: object) -> object:
    text = str(value)
    try:
        return date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else datetime.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("moment", "is not a date; use 2026-01-31 or 2026-01-31T12:00:00+01:00") from None


def zone_name(value: object) -> object:
    """Check the name of a time zone."""
    if str(value) not in zone_names():
        raise PydanticCustomError("zone", "is not a time zone; use an IANA name such as Europe/Berlin")
    return value


def _locale(value: object) -> object:
    tag = parse_locale(str(value))
    if tag is None:
        raise PydanticCustomError("locale", "is not a locale; use one of {tags}", {"tags": ", ".join(LOCALES)})
    return tag


def _delimiter(value: object) -> object:
    spelled = DELIMITERS.get(str(value), value)
    if spelled not in DELIMITERS.values():
        raise PydanticCustomError("delimiter", "is not a delimiter; use comma, semicolon, tab or pipe")
    return spelled


def _flag(value: object) -> object:
    flags = {"true": True, "false": False}
    if value not in flags:
        raise PydanticCustomError("flag", "is neither true nor false")
    return flags[str(value)]


_ENCRYPTION_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^(zip|age1[02-9ac-hj-np-z]{58})$"})


def _encryption(value: object) -> object:
    try:
        return read_encryption(str(value))
    except ValueError as failure:
        raise PydanticCustomError("encryption", "{problem}", {"problem": str(failure)}) from None


class ExportParameters(BaseModel):
    """The query parameters of an export."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: ExportFormat = Field(description="The format of the file")
    sections: Annotated[list[str], BeforeValidator(_names)] | None = Field(
        default=None, description="Names of sections, separated by commas; all if not given"
    )
    from_: Annotated[date | datetime, BeforeValidator(_moment)] | None = Field(
        default=None,
        alias="from",
        description="Only rows from this day or moment on, in sections that have a time",
    )
    to: Annotated[date | datetime, BeforeValidator(_moment)] | None = Field(
        default=None, description="Only rows up to the end of this day, or before this moment"
    )
    tz: Annotated[str, BeforeValidator(zone_name)] = Field(
        default="UTC", description="IANA time zone in which time stamps are written and days begin"
    )
    locale: Annotated[str, BeforeValidator(_locale)] = Field(
        default="en",
        description="Language and region of the words, numbers and dates in PDF, XLSX and ZIP, e.g. de or pt-BR",
    )
    delimiter: Annotated[str, BeforeValidator(_delimiter)] | None = Field(
        default=None,
        description="CSV: comma (default), semicolon, tab or pipe",
        json_schema_extra={"enum": [*DELIMITERS, *DELIMITERS.values()]},
    )
    bom: Annotated[bool, BeforeValidator(_flag)] | None = Field(
        default=None, description="CSV: begin with a byte order mark, for Excel"
    )
    profile: CsvProfile | None = Field(
        default=None, description="CSV: spreadsheet (default) neutralises formulas, raw changes nothing"
    )
    template: str | None = Field(
        default=None,
        description="The name of a template, or of one of its versions (`NAME@3`): its sections, columns, labels and "
        "parameters, where none are given here",
    )
    attach: Attachment | None = Field(
        default=None, description="PDF: json attaches the same export as JSON, and makes the file PDF/A-3"
    )
    dsar: DsarProfile | None = Field(
        default=None, description="Make the answer to a customer's own request for their data, with a covering document"
    )
    encrypt: Annotated[Encryption, BeforeValidator(_encryption), _ENCRYPTION_SCHEMA] | None = Field(
        default=None,
        description="Encrypt the file to an age public key (age1…), or `zip`: AES-256 with X-Export-Passphrase",
    )
    fresh: Annotated[bool, BeforeValidator(_flag)] = Field(
        default=False, description="Make the file now, even if the cache has it"
    )


def resolve_request(customer_id: str, asked: Asked) -> ExportRequest:
    """Check the id and every parameter against their types and the map.

    Raises InvalidRequestError with all that is wrong, each as `parameter: what and the remedy`.
    """
    return _resolve(customer_id, tuple(asked.parameters), asked.customer_map, asked.template)


@lru_cache(KEPT_REQUESTS)
def _resolve(
    customer_id: str,
    given: tuple[tuple[str, str], ...],
    customer_map: CustomerMap,
    template: ExportTemplate | None,
) -> ExportRequest:
    parameters, problems = read_given(given, ExportParameters, _REMEDIES)
    canonical_id = _canonical_id(customer_id, customer_map.customer.key_type)
    if canonical_id is None:
        problems.insert(0, _no_id(customer_map.customer.key_type))
    if parameters is not None:
        problems.extend(_contradictions(parameters, customer_map))
    if problems or parameters is None or canonical_id is None:
        raise invalid_parameters(problems)
    wanted = parameters.sections
    return ExportRequest(
        customer_id=canonical_id,
        format=parameters.format,
        sections=tuple(one.name for one in customer_map.sections if wanted is None or one.name in wanted),
        period=_period(parameters),
        time_zone=parameters.tz,
        locale=parameters.locale,
        csv=CsvOptions(
            delimiter=parameters.delimiter or ",",
            bom=parameters.bom or False,
            profile=parameters.profile or CsvProfile.SPREADSHEET,
        ),
        parameters=given,
        fresh=parameters.fresh,
        dsar=parameters.dsar,
        encryption=parameters.encrypt,
        attach=parameters.attach,
        template=template,
    )


_REMEDIES = {"missing": f"is missing; use one of {', '.join(ExportFormat)}"}
_ID_FORMS = {
    KeyType.UUID: "a UUID such as 550e8400-e29b-41d4-a716-446655440000",
    KeyType.INTEGER: "a whole number",
    KeyType.TEXT: f"1 to {LONGEST_ID} printable characters",
}

_ANY_ID = {KeyType.UUID: "00000000-0000-0000-0000-000000000000", KeyType.INTEGER: "0", KeyType.TEXT: "0"}


def read_customer_id(text: str, kind: KeyType) -> str:
    """Give an id in the canonical text of its type. Raises InvalidRequestError."""
    canonical_id = _canonical_id(text, kind)
    if canonical_id is None:
        raise invalid_parameters([_no_id(kind)])
    return canonical_id


def any_customer_id(customer_map: CustomerMap) -> str:
    """Give an id of the right type, to read parameters that are of no single customer."""
    return _ANY_ID[customer_map.customer.key_type]


def _no_id(kind: KeyType) -> str:
    return f"id: is not a valid customer id; use {_ID_FORMS[kind]}"


def _canonical_id(text: str, kind: KeyType) -> str | None:
    match kind:
        case KeyType.UUID:
            return text.lower() if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) else None
        case KeyType.INTEGER:
            return str(int(text)) if re.fullmatch(r"-?[0-9]{1,30}", text) else None
        case KeyType.TEXT:
            return text if 0 < len(text) <= LONGEST_ID and text.isprintable() else None


def _contradictions(parameters: ExportParameters, customer_map: CustomerMap) -> Iterator[str]:
    names = [section.name for section in customer_map.sections]
    for name in parameters.sections or []:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"the sections are {', '.join(names)}"
            yield f"sections: there is no section {name[:64]!r}; {remedy}"
    yield from _contradictions_of_format(parameters)
    for name, moment in (("from", parameters.from_), ("to", parameters.to)):
        if isinstance(moment, datetime) and moment.tzinfo is None:
            yield f"{name}: has no offset; write +00:00 or another one behind it (as %2B00:00 in a URL)"
            return
        if isinstance(moment, datetime) and not _is_within_years(moment, ZoneInfo(parameters.tz)):
            yield f"{name}: lies outside the years 1 to 9999 of UTC or tz; use another moment"
            return
    period = _period(parameters)
    if period.start is not None and period.end is not None and period.start >= period.end:
        yield "to: lies before from; exchange them"


def _contradictions_of_format(parameters: ExportParameters) -> Iterator[str]:
    if parameters.format is not ExportFormat.CSV:
        for name in CSV_ONLY:
            if getattr(parameters, name) is not None:
                yield f"{name}: only applies to format=csv; leave it out"
    if parameters.attach is not None and parameters.format is not ExportFormat.PDF:
        yield "attach: only applies to format=pdf; leave it out"
    if parameters.dsar is not None and parameters.template is not None:
        yield "template: is not for answers to data subjects, which leave nothing out; leave it out"
    if parameters.dsar is DsarProfile.GDPR_PORTABILITY and parameters.format in NOT_PORTABLE:
        yield "format: gdpr-portability is machine-readable; use csv, json, ndjson or zip"


def _period(parameters: ExportParameters) -> Period:
    """Make a half-open period: a day as `to` is included whole, a moment is not."""
    zone = ZoneInfo(parameters.tz)
    return Period(start=_instant(parameters.from_, zone, days=0), end=_instant(parameters.to, zone, days=1))


def _instant(moment: date | datetime | None, zone: ZoneInfo, *, days: int) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    try:
        midnight = datetime.combine(moment + timedelta(days=days), time.min, zone)
    except OverflowError:  # the day after the last one that there is
        return None
    return midnight if _is_within_years(midnight, zone) else None  # before the first there is nothing to leave out


def _is_within_years(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the moment can be told in UTC and in the zone: Python's years are 1 to 9999."""
    try:
        moment.astimezone(UTC).astimezone(zone)
    except OverflowError:
        return False
    return True
