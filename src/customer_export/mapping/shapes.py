"""What values look like: dates, addresses, hashes, card numbers. Each says whether one value has the form."""

import re
from collections.abc import Callable, Sequence

MOST = 0.9  # of the values must have a form for the column to have it: real data has typing errors

_E_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]{2,}")
_URL = re.compile(r"(https?|ftp)://\S+", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?")
_JSON = re.compile(r"\{.*|\[.*", re.DOTALL)
_CURRENCY = re.compile(r"[A-Z]{3}")
_DIGITS = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+([.][0-9]+)?")
_HASH = re.compile(
    r"\$2[abxy]?\$\d\d\$.{20,}|\$argon2|\$(1|5|6|y|7|s0|apr1)\$|\$[PHS]\$|pbkdf2|bcrypt|scrypt|argon2|sha(1|256|512)\$|md5\$"
    r"|\{(SSHA|SHA|MD5|CRYPT|PBKDF2|SSHA256|SSHA512)[^}]*\}",
    re.IGNORECASE,
)
"""How passwords are kept: crypt(3), bcrypt, Argon2, PHPass, Django, LDAP."""
_TOKEN = re.compile(
    r"eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.|(sk|rk|pk)_(live|test)_|gh[pousr]_[A-Za-z0-9]{20,}|xox[abp]-|AKIA[0-9A-Z]{16}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)
"""JSON web tokens, and keys that say which service they are of."""
_CARD_DIGITS = range(13, 20)
_LONG_HEX = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})", re.IGNORECASE)

SECONDS = (10**8, 4 * 10**9)  # 1973 to 2096
MILLISECONDS = (10**11, 4 * 10**12)
JULIAN_DAYS = (2_415_020.0, 2_500_000.0)  # 1900 to 2132
LONG_DIGITS = 16  # digits that a spreadsheet no longer keeps


def most_are(values: Sequence[str], has_form: Callable[[str], bool]) -> bool:
    """Whether nearly all of the values have a form; none of them have none."""
    return bool(values) and sum(has_form(value.strip()) for value in values) >= MOST * len(values)


def is_email(value: str) -> bool:
    """Whether it is an e-mail address."""
    return _E_MAIL.fullmatch(value) is not None


def is_url(value: str) -> bool:
    """Whether it is an address of the web."""
    return _URL.match(value) is not None


def is_uuid(value: str) -> bool:
    """Whether it is a UUID in its usual form."""
    return _UUID.fullmatch(value) is not None


def is_date(value: str) -> bool:
    """Whether it is a day and no more."""
    return _DATE.fullmatch(value) is not None


def is_timestamp(value: str) -> bool:
    """Whether it is a day with a time."""
    return _TIMESTAMP.fullmatch(value) is not None


def is_json(value: str) -> bool:
    """Whether it begins as a JSON object or list does; a sample may be cut."""
    return _JSON.fullmatch(value) is not None


def is_currency(value: str) -> bool:
    """Whether it has the form of an ISO 4217 code."""
    return _CURRENCY.fullmatch(value) is not None


def is_number(value: str) -> bool:
    """Whether it is a number."""
    return _NUMBER.fullmatch(value) is not None


def is_long_number(value: str) -> bool:
    """Whether it is digits that a reader of numbers would spoil: a leading zero, or too many."""
    return _DIGITS.fullmatch(value) is not None and (len(value) >= LONG_DIGITS or (value[0] == "0" and len(value) > 1))


def is_flag(value: str) -> bool:
    """Whether it is 0 or 1."""
    return value in {"0", "1", "true", "false"}


def is_within(value: str, *, bounds: tuple[float, float]) -> bool:
    """Whether it is a number within bounds."""
    return _NUMBER.fullmatch(value) is not None and bounds[0] <= float(value) <= bounds[1]


def is_password_hash(value: str) -> bool:
    """Whether it is a password as it is kept."""
    return _HASH.match(value) is not None


def is_token(value: str) -> bool:
    """Whether it is a credential."""
    return _TOKEN.match(value) is not None


def is_long_hex(value: str) -> bool:
    """Whether it is a digest or random key in hex, of 160 bits or more."""
    return _LONG_HEX.fullmatch(value) is not None


def is_card_number(value: str) -> bool:
    """Whether it is the number of a payment card: 13 to 19 digits whose check digit is right (ISO/IEC 7812)."""
    digits = value.replace(" ", "").replace("-", "")
    if not (_DIGITS.fullmatch(digits) and len(digits) in _CARD_DIGITS and digits[0] in "3456"):
        return False
    doubled = [int(one) * (2 if place % 2 else 1) for place, one in enumerate(reversed(digits))]
    return sum(one // 10 + one % 10 for one in doubled) % 10 == 0
