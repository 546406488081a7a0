"""The text of a template: JSON, typed and checked, and turned into choices."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from customer_export.errors import InvalidRequestError
from customer_export.model.template import (
    ColumnChoice,
    ExportTemplate,
    ReportDesign,
    SectionChoice,
    SummaryPlace,
    WorkbookDesign,
)
from customer_export.writers.pdf.design import check_logo, check_theme

LONGEST_LABEL, LONGEST_DESCRIPTION, LONGEST_PAGES = 200, 2_000, 200_000
MOST_SECTIONS, MOST_COLUMNS = 500, 2_000
LARGEST_LOGO_BYTES = 200_000
PARAMETERS = ("format", "from", "to", "tz", "locale", "delimiter", "bom", "profile", "attach")
"""What a template may say in a caller's place: none that decides about a single export alone."""

_REMEDIES = {
    "missing": "is missing",
    "string_type": "is no text",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "string_too_long": "is too long",
    "list_type": "is no list",
    "dict_type": "is no object",
    "model_type": "is no object",
    "too_long": "has too many entries",
    "bool_type": "is neither true nor false",
}


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("printable", "has characters that cannot be printed; leave them out")
    return text


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _theme(value: dict[str, Any]) -> dict[str, Any]:
    try:
        check_theme(value)
    except ValueError as problem:
        raise PydanticCustomError("theme", "{problem}", {"problem": str(problem)}) from None
    return value


def _logo(text: str) -> str:
    try:
        logo = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise PydanticCustomError("logo", "is no base64 of an image") from None
    if len(logo) > LARGEST_LOGO_BYTES:
        raise PydanticCustomError("logo", "has more than {most} bytes", {"most": LARGEST_LOGO_BYTES})
    try:
        check_logo(logo)
    except ValueError as problem:
        raise PydanticCustomError("logo", "{problem}", {"problem": str(problem)}) from None
    return text


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL)]
Label = Annotated[str, AfterValidator(_printable), Field(min_length=1, max_length=LONGEST_LABEL)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Part):
    @model_serializer(mode="wrap")
    def _shortened(self, serialize: SerializerFunctionWrapHandler) -> object:
        """Write a name alone as it may be sent: as a text."""
        members = serialize(self)
        return members["name"] if [*members] == ["name"] else members


class ColumnPart(_Named):
    """A column: its name in the map, and what to call it."""

    name: Name = Field(description="The column's name in the map")
    label: Label | None = Field(default=None, description="What to call it, in place of the map's label")


class SectionPart(_Named):
    """A section: its name in the map, what to call it, and its columns."""

    name: Name = Field(description="The section's name in the map")
    label: Label | None = Field(default=None, description="What to call it, in place of the map's label")
    columns: (
        Annotated[
            list[Annotated[ColumnPart, BeforeValidator(_named, json_schema_input_type=str | ColumnPart)]],
            Field(max_length=MOST_COLUMNS),
        ]
        | None
    ) = Field(default=None, description="The columns in their order, by name or as objects; all if not given")


class PdfPart(_Part):
    """How a PDF looks."""

    theme: Annotated[dict[str, Any], AfterValidator(_theme)] | None = Field(
        default=None, description="Values in place of those of the theme, by its tables"
    )
    logo: Annotated[str, AfterValidator(_logo)] | None = Field(
        default=None, description="A PNG or SVG for the cover, in base64"
    )
    pages: Annotated[str, Field(min_length=1, max_length=LONGEST_PAGES)] | None = Field(
        default=None, description="Typst source that sets the pages itself"
    )


class XlsxPart(_Part):
    """What a workbook has beside its rows."""

    summary: SummaryPlace = Field(default=SummaryPlace.FIRST, description="Where the Summary is among the sheets")
    charts: bool = Field(default=True, strict=True, description="Whether the Summary has charts")
    totals: bool = Field(default=True, strict=True, description="Whether a last row adds up money of one currency")


class TemplateBody(_Part):
    """What a template is made of."""

    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION)] = Field(default="", description="What it is for")
    parameters: dict[str, str] = Field(
        default={}, description="Query parameters of the export, for where none are given"
    )
    sections: (
        Annotated[
            list[Annotated[SectionPart, BeforeValidator(_named, json_schema_input_type=str | SectionPart)]],
            Field(max_length=MOST_SECTIONS),
        ]
        | None
    ) = Field(default=None, description="The sections in their order, by name or as objects; all if not given")
    pdf: PdfPart | None = Field(default=None, description="How a PDF looks")
    xlsx: XlsxPart | None = Field(default=None, description="What a workbook has beside its rows")


def read_template(wanted: object, *, name: str, version: int = 0) -> tuple[ExportTemplate, str]:
    """Read a template as somebody sends it; give it, and the text that it is kept as.

    Raises InvalidRequestError with all that is wrong, each as `place: what and the remedy`.
    """
    if not isinstance(wanted, dict) or not all(isinstance(key, str) for key in wanted):
        raise InvalidRequestError('Invalid template: send a JSON object such as {"sections": ["orders"]}')
    try:
        body = TemplateBody.model_validate(wanted)
    except ValidationError as failure:
        mistakes = map(_mistake, failure.errors(include_url=False))
        raise InvalidRequestError(f"Invalid template: {'; '.join(mistakes)}") from None
    unknown = [one for one in body.parameters if one not in PARAMETERS]
    if unknown:
        raise InvalidRequestError(
            f"Invalid template: parameters: {unknown[0][:64]}: is none that a template may say; use "
            f"{', '.join(PARAMETERS)}"
        )
    content = orjson.dumps(body.model_dump(exclude_defaults=True), option=orjson.OPT_SORT_KEYS).decode()
    return _template(body, content, name=name, version=version), content


def read_content(content: str, *, name: str, version: int) -> ExportTemplate:
    """Read a template as it is kept."""
    return _template(TemplateBody.model_validate_json(content), content, name=name, version=version)


def template_members(content: str) -> Mapping[str, object]:
    """Give a kept template as it was sent."""
    members: dict[str, object] = orjson.loads(content)
    return members


def _template(body: TemplateBody, content: str, *, name: str, version: int) -> ExportTemplate:
    return ExportTemplate(
        name=name,
        version=version,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        description=body.description,
        parameters=tuple(sorted(body.parameters.items())),
        sections=None if body.sections is None else tuple(_section(one) for one in body.sections),
        design=ReportDesign() if body.pdf is None else _design(body.pdf),
        workbook=WorkbookDesign() if body.xlsx is None else WorkbookDesign(**body.xlsx.model_dump()),
    )


def _section(part: SectionPart) -> SectionChoice:
    columns = part.columns
    return SectionChoice(
        name=part.name,
        label=part.label,
        columns=None
        if columns is None
        else tuple(ColumnChoice(name=column.name, label=column.label) for column in columns),
    )


def _design(part: PdfPart) -> ReportDesign:
    return ReportDesign(
        theme=None if part.theme is None else orjson.dumps(part.theme, option=orjson.OPT_SORT_KEYS).decode(),
        logo=None if part.logo is None else base64.b64decode(part.logo),
        pages=part.pages,
    )


def _mistake(error: ErrorDetails) -> str:
    place = "".join(_placed(error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{place}: is nothing that a template has; leave it out"
    if error["type"] == "enum":
        return f"{place}: is none of {error['ctx']['expected']}"
    return f"{place}: {_REMEDIES.get(error['type'], error['msg'])}"


def _placed(location: tuple[int | str, ...]) -> Iterator[str]:
    for number, part in enumerate(location):
        yield f"[{part}]" if isinstance(part, int) else f"{'.' if number else ''}{part[:64]}"
