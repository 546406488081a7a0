"""A value or two of every type that PostgreSQL has, and by which rule of docs/columns.md each is written.

A rule is SQL over the column `c`, apart from the program's: what psql would show, under the documented session.
"""

from collections.abc import Sequence
from dataclasses import dataclass

OWN = "c::text"
"""The server's own output."""
SHOWN = "CASE WHEN c IS NOT NULL THEN array_to_string(ARRAY[c], '') END"
"""The output function's: the cast of an inet adds /32, which nobody else shows."""
PLAIN = "c::text::numeric::text"
"""A float as the shortest decimal that is it, without an exponent."""
ISO = """CASE WHEN c < 'infinity' AND c > '-infinity' AND extract(year FROM c) BETWEEN 1 AND 9999
  THEN to_json(c) #>> '{}' ELSE c::text END"""
"""PostgreSQL's own writer of JSON has ISO 8601, too, whatever DateStyle is."""
NAIVE_ISO = f"(SELECT {ISO} FROM (SELECT c AT TIME ZONE 'UTC') y(c))"
DAY = "(c::timestamptz)::date::text"
SIZED = "'binary; ' || octet_length({0}) || ' bytes; sha256=' || encode(sha256({0}), 'hex')"
CONTROLS = "".join(map(chr, range(1, 33)))


@dataclass(frozen=True)
class Kept:
    """Some literals of a stored type, read as a column type; `rule` is what their canonical text is."""

    stored: str
    values: Sequence[str]
    kind: str = "text"
    rule: str = OWN
    needs: str | None = None


def text(value: str) -> str:
    return "U&'" + "".join(one if one.isalnum() and one.isascii() else f"\\+{ord(one):06X}" for one in value) + "'"


HOSTILE = (
    "''", "' '", "'ab  '", "'NULL'", r"'\N'", r"'\.'", "'=1+1'", "'-1'", "'+49 30'", "'@x'", "'''=x'", "'a\"b'",
    text(CONTROLS), text("\t\r\n\x1f\x7f\x85\u2028"), text("👩‍👩‍👧‍👦 ﷽ \ufeff日本שלום"), "'00012'", "'1e5'", "'true'",
)  # fmt: skip
FLOATS = ("0.1", "1e22", "1e-7", "'-0'", "'NaN'", "'Infinity'", "'-Infinity'", "16777216", "1e15", "123456.7")
NUMERICS = (
    "0", "-0.00", "1.100", "1e-20", "12345678901234567890123456789012345678.123456789012", "'NaN'", "'Infinity'",
    "'-Infinity'", "1e130", "-1e-16",
)  # fmt: skip
STAMPS = (
    "'2024-07-01 12:00'", "'2024-01-01 12:00:00.120'", "'2024-03-31 00:59:59'", "'2024-03-31 01:00'",
    "'2024-10-27 00:30'", "'2024-10-27 01:30'", "'0001-01-01 00:00'", "'9999-12-31 12:00'", "'12024-01-01'",
    "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'1850-01-01'", "'1969-12-31 23:59:59.999999'",
)  # fmt: skip
ZONED = tuple(f"{one[:-1]}Z'" if "BC" not in one and "inf" not in one else one for one in STAMPS)
DAYS = ("'2024-02-29'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'12024-01-01'", "'0001-01-01'", "'1899-12-31'")
INTERVALS = (
    "'1 day 2 hours'", "'0'", "'1 year 2 mons -3 days'", "'-4 days -5:06:07.89'", "'178000000 years'", "'1 mon'",
    "'30 days'", "'24:00:00'", "'0.000001 s'",
)  # fmt: skip
JSONS = ("""'{"a": 1.10,  "a": [1E400, null, "é\\u0000"]}'""", "'null'", "'\"=x\"'", "'-1'", "'[]'", "' {} '")
JSONBS = ("""'{"b": 1.10, "a": [1, null, "é"]}'""", "'null'", "'\"=x\"'", "'-1'", "'[]'", "'1e5'", "'1.00'")

SECTIONS: dict[str, Sequence[Kept]] = {
    "texts": (
        Kept("text", HOSTILE),
        Kept("varchar(80)", HOSTILE),
        Kept("char(40)", HOSTILE),
        Kept("bpchar", HOSTILE),
        Kept("name", ("'a name'", "''", "'=x'")),
        Kept('"char"', ("'x'", "''", "'='")),
        Kept("citext", ("'Ada'", "'ADA '", "'=x'")),
        Kept("text", HOSTILE, "identifier"),
        Kept("text", HOSTILE, "email"),
        Kept("text", HOSTILE, "url"),
        Kept("short_text", ("'ab '", "'-1'")),
        Kept("shorter_text", ("'ab '", "'-1'")),
        Kept("mood", ("'fine'", "'not so fine'", "'=1'")),
    ),
    "numbers": (
        Kept("smallint", ("-32768", "32767", "0"), "integer"),
        Kept("integer", ("-2147483648", "7"), "integer"),
        Kept("bigint", ("-9223372036854775808", "9007199254740993", "0"), "integer"),
        Kept("bigint", ("9223372036854775807", "7"), "identifier"),
        Kept("bigint", ("9223372036854775807", "-7"), "decimal"),
        Kept("numeric", NUMERICS, "decimal"),
        Kept("numeric", NUMERICS, "text"),
        Kept("numeric(12,2)", ("7", "-0.05", "'NaN'", "1234567890.12"), "decimal"),
        Kept("numeric(12,0)", ("7", "-0.4"), "decimal"),
        Kept("numeric(4,-2)", ("12345", "-149"), "decimal"),
        Kept("numeric(3,6)", ("0.000123", "-0.0001234"), "decimal"),
        Kept("numeric(40,0)", ("1234567890123456789012345678901234567890",), "integer"),
        Kept("price", ("1.5", "0"), "money"),
        Kept("numeric(12,3)", ("0.5", "-1"), "money"),
        Kept("real", FLOATS, "decimal", PLAIN),
        Kept("real", FLOATS, "text"),
        Kept("double precision", (*FLOATS, "1e300", "5e-324", "0.30000000000000004"), "decimal", PLAIN),
        Kept("double precision", ("1e15", "-7"), "integer", PLAIN),
        Kept("money", ("1234.5", "-0.01", "92233720368547758.07"), "money", "c::numeric::text"),
        Kept("money", ("1234.5", "-0.01"), "text"),
        Kept("oid", ("4294967295", "0"), "integer"),
        Kept("xid8", ("'18446744073709551615'",)),
    ),
    "times": (
        Kept("date", DAYS, "date"),
        Kept("date", DAYS, "timestamp"),
        Kept("timestamptz", ZONED, "timestamp", ISO),
        Kept("timestamptz(0)", ZONED, "timestamp", ISO),
        Kept("timestamptz", ZONED, "date", DAY),
        Kept("timestamptz", ZONED, "text"),
        Kept("timestamp", STAMPS, "timestamp", NAIVE_ISO),
        Kept("timestamp", STAMPS, "date", "(c AT TIME ZONE 'UTC')::date::text"),
        Kept("timestamp(3)", STAMPS, "text"),
        Kept("moment", ZONED, "timestamp", ISO),
        Kept("time", ("'12:34:56.5'", "'24:00'", "'00:00'", "'23:59:59.999999'")),
        Kept("timetz", ("'12:34:56.5+05:30'", "'24:00-12'", "'00:00Z'")),
        Kept("interval", INTERVALS),
        Kept("interval", ("'infinity'", "'-infinity'"), needs="17"),
        Kept("interval(0)", ("'1.6 s'", "'-1 day'")),
        Kept("interval year to month", ("'1 year 2 mons'",)),
    ),
    "documents": (
        Kept("json", JSONS, "json"),
        Kept("jsonb", JSONBS, "json"),
        Kept("jsonb", JSONBS, "text"),
        Kept("text", ("'{broken'", "'{}'"), "json"),
        Kept("hstore", ("'a=>1, b=>NULL'", "''", r"""'"=x"=>"y\"z"'""")),
        Kept("jsonpath", ("'$.a[*] ? (@ > 1)'",)),
        Kept("tsvector", ("'fat:2A cat:1 ''it''''s'''", "''")),
        Kept("tsquery", ("'fat & !cat:AB'",)),
        Kept("ltree", ("'Top.Science'", "''")),
        Kept("bytea", (r"'\x00ff10'", r"'\x'"), "binary", SIZED.format("c")),
        Kept("bytea", (r"'\x00ff10'", r"'\x'"), "text"),
        Kept("text", ("'é'", "''"), "binary", SIZED.format("convert_to(c, 'UTF8')")),
        Kept("jsonb", ("'{\"a\":1}'",), "binary", SIZED.format("convert_to(c::text, 'UTF8')")),
        Kept("xml", ("'<a>é</a>'", '\'<?xml version="1.0" encoding="UTF-8"?><a/>\'', "'=x'"), needs="libxml"),
    ),
    "others": (
        Kept("boolean", ("true", "false"), "boolean"),
        Kept("boolean", ("true", "false"), "text"),
        Kept(
            "smallint",
            ("1", "0", "2", "-1"),
            "boolean",
            "CASE c WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE c::text END",
        ),
        Kept("bit(1)", ("'1'", "'0'"), "text"),
        Kept("flag", ("true",), "boolean"),
        Kept("uuid", ("'AAAAAAAA-0000-4000-8000-00000000000F'",), "uuid"),
        Kept("uuid", ("'AAAAAAAA-0000-4000-8000-00000000000F'",), "text"),
        Kept("text", ("'AAAA'",), "uuid"),
        Kept("inet", ("'192.0.2.1'", "'2001:db8::1/64'", "'192.0.2.1/24'", "'::ffff:192.0.2.1'"), "text", SHOWN),
        Kept("cidr", ("'192.0.2.0/24'", "'2001:db8::/32'")),
        Kept("macaddr", ("'08:00:2B:01:02:03'",)),
        Kept("macaddr8", ("'08:00:2b:01:02:03:04:05'",)),
        Kept("bit(5)", ("'10101'",)),
        Kept("varbit", ("'1'", "''", "'101010101'")),
        Kept("pg_lsn", ("'16/B374D848'",)),
        Kept("regclass", ("'pg_class'", "'0'")),
        Kept("regtype", ("'timestamptz'",)),
        Kept("tid", ("'(1,2)'",)),
        Kept("pg_snapshot", ("'10:20:10,14'",)),
        Kept("vector(3)", ("'[1,-2.5,3e-7]'",), needs="vector"),
        Kept("isbn", ("'978-0-393-04002-9'",)),
        Kept("cube", ("'(1,2),(3,4)'",)),
    ),
    "shapes": (
        Kept("point", ("'(1,-2.5)'", "'(NaN,Infinity)'")),
        Kept("line", ("'{1,-1,0}'",)),
        Kept("lseg", ("'[(1,2),(3,4)]'",)),
        Kept("box", ("'(3,4),(1,2)'",)),
        Kept("path", ("'[(1,2),(3,4)]'", "'((1,2),(3,4))'")),
        Kept("polygon", ("'((1,2),(3,4),(5,6))'",)),
        Kept("circle", ("'<(1,2),3>'",)),
    ),
    "collections": (
        Kept("integer[]", ("'{1,NULL,3}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1]={1,2}'")),
        Kept("text[]", (r"""'{"a \" b",NULL,"NULL",""," ","{","=x","a,b","\\"}'""",)),
        Kept("text[][]", ("""'{{a,"b c"},{NULL,"é"}}'""",)),
        Kept("timestamptz[]", ("'{2024-07-01 12:00Z,NULL,infinity}'",)),
        Kept("numeric[]", ("'{1.10,NaN}'",)),
        Kept("boolean[]", ("'{t,f}'",)),
        Kept("bytea[]", (r"""'{"\\x00ff"}'""",)),
        Kept("json[]", ("""ARRAY['{"a": 1.10}'::json, NULL]""",)),
        Kept("uuid[]", ("'{AAAAAAAA-0000-4000-8000-00000000000F}'",)),
        Kept("char(3)[]", ("'{a,ab}'",)),
        Kept("mood[]", ("'{fine,\"not so fine\"}'",)),
        Kept("pair", ('\'(1.10,"x \\" y")\'', "'(,)'")),
        Kept("pair[]", ("ARRAY[(1.0,'a, b')::pair]",)),
        Kept("texts_domain", ("'{a,\"=b\"}'",)),
        Kept("int4range", ("'[1,5)'", "'empty'", "'(,)'")),
        Kept("numrange", ("'[1.0,2.50]'",)),
        Kept("tstzrange", ("'[2024-07-01 12:00Z,)'", "'(,infinity]'")),
        Kept("daterange", ("'[2024-01-01,2024-02-01]'",)),
        Kept("int4multirange", ("'{[1,3),[5,9)}'", "'{}'")),
        Kept("tstzmultirange", ("'{[2024-07-01 12:00Z,2024-07-02 12:00Z)}'",)),
        Kept("float_range", ("'[1,1e22)'",)),
    ),
}

TYPES = """
CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION cube;
CREATE EXTENSION isn;
CREATE TYPE mood AS ENUM ('fine', 'not so fine', '=1'); CREATE TYPE pair AS (one numeric, other text);
CREATE DOMAIN price AS numeric(12,2); CREATE DOMAIN flag AS boolean; CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN short_text AS char(8); CREATE DOMAIN shorter_text AS short_text CHECK (value <> 'x');
CREATE DOMAIN texts_domain AS text[]; CREATE TYPE float_range AS RANGE (subtype = float8);
"""
