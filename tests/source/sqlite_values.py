"""Values of every type that SQLite has, in columns of every affinity, and the rule by which each is written.

A rule is SQL over the column `c`, apart from the program's: what SQLite itself makes of the value. What it has no exact
text for (a REAL, a digest) the test's own functions give it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

OWN = "CASE typeof(c) WHEN 'real' THEN plain(c) WHEN 'blob' THEN described(c) ELSE CAST(c AS TEXT) END"
"""The text of texts and integers is SQLite's; of a REAL it would be rounded (docs/decisions/0003)."""
CENTS = f"CASE WHEN typeof(c) IN ('integer', 'real') THEN scaled(c, 2) ELSE {OWN} END"
TRUTH = f"""CASE WHEN c IN (1, '1') OR lower(c) IN ('t', 'true') THEN 'true'
  WHEN c IN (0, '0') OR lower(c) IN ('f', 'false') THEN 'false' ELSE {OWN} END"""
_TRIMMED = "rtrim(rtrim(strftime('%Y-%m-%dT%H:%M:%f', {0}), '0'), '.') || '+00:00'"
READ = (
    f"""CASE WHEN length(c) > 10 AND typeof(c) = 'text' THEN coalesce({_TRIMMED.format("c")}, {OWN}) ELSE {OWN} END"""
)
"""As SQLite reads the forms of its documentation; a day alone is no moment."""
SECONDS = _TRIMMED.format("c, 'unixepoch'")
MILLISECONDS = _TRIMMED.format("c / 1000.0, 'unixepoch'")
JULIAN = _TRIMMED.format("c")
DAY_OF = "coalesce(strftime('%Y-%m-%d', {0}), CAST(c AS TEXT))"
DESCRIBED = "described(c)"


@dataclass(frozen=True)
class Kept:
    """Some literals in a column declared as `stored`, read as a column type; `rule` is what their text is."""

    stored: str
    values: Sequence[str]
    kind: str = "text"
    rule: str = OWN
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table of such columns, and of some that SQLite computes; or a view of another table."""

    columns: Sequence[Kept]
    names: Sequence[str] = ()
    computed: Sequence[Kept] = ()
    key: str = "id INTEGER NOT NULL PRIMARY KEY"
    suffix: str = ""
    view_of: str | None = None

    def named(self) -> list[tuple[str, Kept]]:
        """Give all columns with their names in the database."""
        names = self.names or [f"c{place}" for place in range(len(self.columns))]
        return [*zip(names, self.columns, strict=True), *((f"g{n}", one) for n, one in enumerate(self.computed))]


HOSTILE = (
    "''", "' '", "'ab  '", "'NULL'", "'=1+1'", "'-1'", "'+49 30'", "'@x'", "'''=x'", "'a\"b'", "'00012'", "'1e5'",
    "' ' || char(9, 13, 10, 92, 1, 27, 31, 30, 29, 127, 133, 8232) || ' '", "'👩‍👩‍👧‍👦 ﷽ \ufeff日本שלום'", "'true'",
    "'a' || char(0) || 'b'", "char(0)", "CAST(x'61ff62' AS TEXT)", "CAST(x'e9' AS TEXT)", "'a,b;c|d'", "'\ufffd'",
)  # fmt: skip
NUMBERS = (
    "0", "-1", "9007199254740992", "9007199254740993", "-9007199254740993", "9223372036854775807",
    "-9223372036854775808", "9223372036854775808", "1.5", "-0.0", "0.1 + 0.2", "1e22", "1e300", "5e-324", "1e-7",
    "123456789.12345679", "9e999", "-9e999", "1e15 + 0.5", "100.0",
)  # fmt: skip
MIXED = (*NUMBERS, "'ab'", "'1.50'", "''", "x''", "x'00ff10'", "'-1'", "'12345678901234567890.123456789012345678'")
PRICES = ("12.5", "19.99", "-0.05", "7", "1.005", "99999999999.99", "'abc'", "1e15", "-1234567.8", "0")
STAMPS = (
    "'2024-07-01 12:00'", "'2024-07-01 12:00:00'", "'2024-07-01 12:00:00.5'", "'2024-07-01 12:00:00.120'",
    "'2024-07-01T12:00'", "'2024-07-01T12:00:00'", "'2024-07-01T12:00:00.123'", "'2024-07-01T12:00:00Z'",
    "'2024-07-01 12:00:00.120Z'", "'2024-07-01 12:00:00+02:00'", "'2024-07-01T12:00-05:30'",
    "'2024-07-01 12:00:00 +02:00'", "'2024-07-01 12:00:00  z'", "'2024-07-01  12:00:00'", "'2024-07-01 12:00:00 '",
    "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999'", "'1969-12-31 23:59:59.999'", "'2024-02-29T23:59:59+00:00'",
    "'2024-07-01'", "'yesterday'", "'12:34:56'", "''", "'2024-13-01 00:00:00'", "1719835200", "2460493.0",
)  # fmt: skip
EPOCH = ("0", "1719835200", "-1", "-62135596800", "253402300799", "1719878399")
CLOSE = ("1719835200.5", "1719835200.125", "-0.5", "0.001")
JULIANS = ("2440587.5", "2460493", "2460493.0", "2460492.5", "2460493.125", "1721425.5")
DOCUMENTS = (
    """'{"a": 1.10,  "a": [1E400, null, "é"]}'""", "'null'", "'\"=x\"'", "'-1'", "'[]'", "' {} '", "'{broken'", "''",
    "7", "1.5", "x'00ff10'",
)  # fmt: skip
PACKED = {
    "00": "null",
    "0b": "[]",
    "35316535": "1e5",
    "273d78": '"=x"',
    "c813c3a95c75303030305c225c5c2fe697a5e69cac": r'"é\u0000\"\\/日本"',
    "c3143132333435363738393031323334353637383930": "12345678901234567890",
    "cc1f176145312e31301762cb0e1331000102232d3555316534303017633c17640c": (
        '{"a":1.10,"b":[1,null,true,false,-5,1e400],"c":{"d":{}}}'
    ),
    "8c1761133117611332": '{"a":1,"a":2}',
    "cc0f176b685c74615c2262176e35312e35": r'{"k":"\ta\"b","n":1.5}',
    "cb0c46352e6533652d3965393939": "[5.0e3,-9e999]",
    "bba96c696e655c0a6e657874": '["linenext"]',
    "a9746162097122756f7465": r'"tab\tq\"uote"',
    "cc3f176144307831461762262e35176326352e176413311765c90e69745c2773205c7834315c765c30"
    "1766542d307831301767562d2e3565331768553965393939": (
        r"""{"a":31,"b":0.5,"c":5.0,"d":1,"e":"it's \u0041\u000b\u0000","f":-16,"g":-0.5e3,"h":9e999}"""
    ),
}
"""BLOBs that `jsonb()` of SQLite 3.54 made, of JSON and of JSON5, and what its `json()` makes of them."""

COUNTED = tuple(
    Kept(stored, values, kind, rule, {"stored_as": stored_as})
    for stored_as, moment, day, values in (
        ("epoch_seconds", SECONDS, "c, 'unixepoch'", (*EPOCH, *CLOSE)),
        ("epoch_milliseconds", MILLISECONDS, "c / 1000.0, 'unixepoch'", ("0", "1719835200120", "-1", "1719878399999")),
        ("julian_day", JULIAN, "c", JULIANS),
    )
    for stored in ("", "INTEGER", "REAL", "DATETIME", "TEXT")
    for kind, rule in (("timestamp", moment), ("date", DAY_OF.format(day)))
)

TABLES: dict[str, Table] = {
    "texts": Table(
        [
            *(Kept(stored, HOSTILE) for stored in ("TEXT", "", "VARCHAR(5)", "TEXT COLLATE NOCASE", "NUMERIC", "BLOB")),
            *(Kept("TEXT", HOSTILE, kind) for kind in ("identifier", "email", "url", "uuid", "date")),
        ]
    ),
    "numbers": Table(
        [
            Kept(stored, NUMBERS, kind)
            for kind in ("integer", "decimal", "text", "identifier")
            for stored in ("", "INTEGER", "REAL", "NUMERIC", "DOUBLE PRECISION", "BIGINT", "FLOAT")
        ]
    ),
    "mixed": Table(
        [
            Kept(stored, MIXED, kind)
            for kind in ("text", "integer", "decimal", "uuid", "email")
            for stored in ("", "INTEGER", "REAL", "NUMERIC", "TEXT", "BLOB")
        ]
    ),
    "prices": Table(
        [
            Kept("NUMERIC(12,2)", PRICES, "money", CENTS),
            Kept("DECIMAL(10,2)", PRICES, "decimal", CENTS),
            *(Kept(stored, PRICES, "money") for stored in ("TEXT", "REAL", "INTEGER", "NUMERIC", "")),
        ]
    ),
    "moments": Table(
        [
            *(
                Kept(stored, STAMPS, "timestamp", READ)
                for stored in ("TEXT", "DATETIME", "TIMESTAMP", "", "DATE", "BLOB")
            ),
            Kept("TEXT", STAMPS, "text"),
            Kept("DATE", ("'2024-02-29'", "'0000-00-00'", "'2024-02-30'", "20240229"), "date"),
        ]
    ),
    "counted": Table(COUNTED),
    "uncounted": Table(
        [
            # what is no number, or out of the years that there are, in columns of numbers
            Kept(
                "", ("'2024-07-01 12:00:00'", "'2024-07-01T12:00Z'"), "timestamp", READ, {"stored_as": "epoch_seconds"}
            ),
            Kept(
                "",
                ("'soon'", "''", "253402300800", "-9223372036854775808", "9e999", "1e300", "x'00'", "'2024-07-01'"),
                "timestamp",
                OWN,
                {"stored_as": "epoch_seconds"},
            ),
            Kept("", ("'2024-07-01'", "9223372036854775807", "-1e300"), "date", OWN, {"stored_as": "julian_day"}),
        ]
    ),
    "booleans": Table(
        [
            Kept(
                stored,
                (
                    "1",
                    "0",
                    "'1'",
                    "'0'",
                    "'t'",
                    "'f'",
                    "'T'",
                    "'F'",
                    "'true'",
                    "'FALSE'",
                    "'True'",
                    "2",
                    "-1",
                    "'yes'",
                    "'Maybe'",
                    "''",
                    "1.0",
                    "0.0",
                    "0.5",
                    "x'01'",
                    "TRUE",
                ),
                "boolean",
                TRUTH,
            )
            for stored in ("BOOLEAN", "", "INTEGER", "TEXT", "REAL", "TINYINT(1)")
        ]
    ),
    "documents": Table(
        [
            *(Kept(stored, DOCUMENTS, "json") for stored in ("JSON", "TEXT", "")),
            Kept("BLOB", [f"x'{blob}'" for blob in PACKED], "json", "unpacked(c)"),
        ]
    ),
    "blobs": Table(
        [
            Kept("BLOB", ("x'00ff10'", "x''", "'é'", "1.5", "5", "1e22"), "binary", DESCRIBED),
            Kept("TEXT", ("x'00ff10'", "'é'"), "text"),
            Kept("BLOB", ("x'550e8400e29b41d4a716446655440000'",), "uuid", "hyphenated(c)"),
            Kept("BLOB", ("x'550e8400'", "'550E8400-E29B-41D4-A716-446655440000'"), "uuid"),
        ]
    ),
    "strict": Table(
        [
            *(Kept(stored, ("7", "-9223372036854775808"), "integer") for stored in ("INT", "INTEGER", "ANY")),
            Kept("REAL", ("1.5", "7", "9e999"), "decimal"),
            Kept("TEXT", HOSTILE),
            Kept("BLOB", ("x'00ff'",)),
            Kept("ANY", MIXED),
        ],
        suffix="STRICT",
    ),
    "without_rowid": Table([Kept("TEXT", HOSTILE), Kept("", MIXED)], suffix="WITHOUT ROWID"),
    "generated": Table(
        [Kept("TEXT", HOSTILE), Kept("NUMERIC(12,2)", PRICES, "money", CENTS)],
        computed=[
            Kept("TEXT GENERATED ALWAYS AS (upper(c0)) VIRTUAL", ()),
            Kept("NUMERIC(12,2) AS (c1 * 2) STORED", (), "money", CENTS),
        ],
    ),
    'odd "names" [of] it': Table(
        [Kept("TEXT", ("'a'", "'=1'")) for _ in range(12)],
        names=(
            "select",
            "Group",
            "two words",
            'say "so"',
            "[bracket]",
            "it's",
            "Größe",
            "日本",
            ":colon",
            "?",
            "%s",
            "a`b",
        ),
    ),
    "keyless": Table([Kept("TEXT COLLATE NOCASE", HOSTILE), Kept("", MIXED)], key="id INTEGER"),
}
TABLES["a view"] = Table(TABLES["mixed"].columns, view_of="mixed")
