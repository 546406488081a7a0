"""What is asked for: formats, and a request that has been validated against a map."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from customer_export.model.disclosure import DsarProfile
from customer_export.model.template import ExportTemplate


@unique
class ExportFormat(StrEnum):
    """The formats of an export; the value is the `format` parameter and the file extension."""

    PDF = "pdf"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    NDJSON = "ndjson"
    ZIP = "zip"


@unique
class CsvProfile(StrEnum):
    """`spreadsheet` neutralises text cells that a spreadsheet would run as formulas; `raw` changes nothing."""

    SPREADSHEET = "spreadsheet"
    RAW = "raw"


@unique
class EncryptionMethod(StrEnum):
    """`age`: to a public key. `zip`: an archive with AES-256 and a passphrase."""

    AGE = "age"
    ZIP = "zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """How a file is encrypted; `recipient` is an age public key (`age1…`), None of other methods."""

    method: EncryptionMethod
    recipient: str | None = None

    @property
    def suffix(self) -> str:
        """What goes behind the name of a file that is encrypted."""
        return f".{self.method}"


@unique
class Attachment(StrEnum):
    """What a PDF may have attached: the same export in another format."""

    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """How a CSV file is written (RFC 4180 otherwise)."""

    delimiter: str = ","
    bom: bool = False
    profile: CsvProfile = CsvProfile.SPREADSHEET


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A half-open interval of time: `start` ≤ t < `end`; None is unbounded. Both are aware."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def unbounded(self) -> bool:
        """Whether the period excludes nothing."""
        return self.start is None and self.end is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """A valid request: the customer, the format, and every choice that changes a byte of the file.

    `customer_id` is in the canonical text of the map's key type; `sections` are names of the map, in its order;
    `time_zone` is an IANA name; `locale` a language tag that `writers/` knows, e.g. `de` or `pt-BR`;
    `parameters` are the query parameters as given, for the manifest and the audit; `fresh` asks for a file that is
    made now, whatever is in the cache; `dsar` makes of it an answer to the customer's own request (model/dsar.py);
    `encryption` says how the file is sealed, None if it is not; `attach` what a PDF has attached; `template` is the
    version of the template that chose sections, columns and labels, None if none did.
    """

    customer_id: str
    format: ExportFormat
    sections: tuple[str, ...]
    period: Period
    time_zone: str
    locale: str
    csv: CsvOptions
    parameters: tuple[tuple[str, str], ...]
    fresh: bool = False
    dsar: DsarProfile | None = None
    encryption: Encryption | None = None
    attach: Attachment | None = None
    template: ExportTemplate | None = None
