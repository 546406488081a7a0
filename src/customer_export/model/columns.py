"""Columns: what a cell means, apart from how any format writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TypeAlias

from customer_export.model.disclosure import Origin, ProtectedClass

Cell: TypeAlias = str | None
"""A cell's canonical text, or None for SQL NULL (an empty string is not NULL)."""

Batch: TypeAlias = Sequence[Sequence[Cell]]
"""Some consecutive rows of a section, column by column: one sequence of cells a column, all of one length."""


@unique
class ColumnType(StrEnum):
    """What the cells of a column mean, and so which canonical text they have.

    ============ =====================================================================
    text         as stored
    identifier   as stored: looks like a number and must stay text (zeros, 20 digits)
    integer      ``-?[0-9]+``
    decimal      ``-?[0-9]+(.[0-9]+)?`` at its stored scale; also NaN, Infinity, -Infinity
    money        like decimal; its currency is another column or fixed by the map
    boolean      ``true`` or ``false``
    date         ``YYYY-MM-DD``
    timestamp    ``YYYY-MM-DDTHH:MM:SS[.ffffff]±HH:MM`` in the export's time zone
    uuid         as stored; PostgreSQL, and sixteen bytes in MySQL: 36 lower-case characters
    email, url   as stored
    json         the JSON text as stored
    binary       described, never dumped: ``binary; 123 bytes; sha256=…``
    ============ =====================================================================

    A value that cannot be read as its type (``not a date`` in a SQLite date) is kept as stored.
    """

    TEXT = "text"
    IDENTIFIER = "identifier"
    INTEGER = "integer"
    DECIMAL = "decimal"
    MONEY = "money"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    EMAIL = "email"
    URL = "url"
    JSON = "json"
    BINARY = "binary"


@unique
class StoredAs(StrEnum):
    """How a database that keeps moments as numbers counts them; the zone of all three is UTC.

    Unix time is seconds (with or without a fraction) or milliseconds since 1970-01-01; a Julian day is days since
    noon of 24 November 4714 BC in the Gregorian calendar (SQLite's `julianday`).
    """

    EPOCH_SECONDS = "epoch_seconds"
    EPOCH_MILLISECONDS = "epoch_milliseconds"
    JULIAN_DAY = "julian_day"


@unique
class MoneyUnit(StrEnum):
    """What an amount that is stored as a whole number counts, where that is not its currency.

    Minor units are those of the row's currency by ISO 4217: cents of euros, and yen of yen, which have none.
    """

    HUNDREDTHS = "hundredths"
    MINOR_UNITS = "minor_units"


@unique
class PersonalDataClass(StrEnum):
    """Which kind of personal data a column holds; policies allow or mask by class."""

    IDENTITY = "identity"
    CONTACT = "contact"
    FINANCIAL = "financial"
    BEHAVIOUR = "behaviour"
    COMMUNICATION = "communication"
    CONSENT = "consent"
    TECHNICAL = "technical"
    SENSITIVE = "sensitive"
    NONE = "none"


@unique
class Mask(StrEnum):
    """What is exported in place of a value that the caller may not see. NULL stays NULL under either.

    ========= ==========================================================================================
    withhold  NULL
    partial   the first character and ``***``; of an e-mail address also ``@`` and the domain. Only where
              the column's type is in `PARTIAL_TYPES`; a single character is hidden, too
    ========= ==========================================================================================
    """

    WITHHOLD = "withhold"
    PARTIAL = "partial"


PARTIAL_TYPES = frozenset({ColumnType.TEXT, ColumnType.IDENTIFIER, ColumnType.EMAIL})
"""Of the others a part says nothing (the `h` of a URL), or would no longer be of the type (JSON, a date)."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of the section's table, or of the lookup of that name."""

    lookup: str | None
    name: str

    def __str__(self) -> str:
        return self.name if self.lookup is None else f"{self.lookup}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a section, as the customer map declares it.

    A money column has either `currency` (the name of a column of the same section holding the ISO 4217 code) or
    `currency_code` (the code itself). `stored_as` says what the numbers of a date or timestamp column count, None
    where the database knows moments or keeps them as text. `counted_in` says the same of a money column's numbers,
    None where they are amounts of the currency itself.
    `mask` is none of the map's: it says what one caller gets instead of the values (model/policy.py).
    `origin`, `third_party` (it is about somebody else) and `protected` are for data subjects (model/dsar.py).
    """

    name: str
    label: str
    type: ColumnType
    source: SourceColumn
    personal_data: PersonalDataClass
    currency: str | None = None
    currency_code: str | None = None
    stored_as: StoredAs | None = None
    counted_in: MoneyUnit | None = None
    hidden: bool = False
    mask: Mask | None = None
    origin: Origin | None = None
    third_party: bool = False
    protected: ProtectedClass | None = None
