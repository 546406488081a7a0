"""Which section plays the orders, and which of its columns are their value, time and state."""

from collections.abc import Container, Sequence

from customer_export.mapping import vocabulary
from customer_export.mapping.draft import DraftSection
from customer_export.mapping.words import stem_of, words_of
from customer_export.model.columns import Column, ColumnType
from customer_export.model.customer_map import OrdersRole

_AMOUNTS = (
    ("grand", "total"), ("total", "incl", "tax"), ("total", "gross"), ("order", "total"),
    ("amount", "total"), ("total", "amount"), ("total", "price"), ("total", "paid"), ("total",),
    ("gross", "amount"), ("amount",), ("price",),
    ("gesamt",), ("gesamtbetrag",), ("betrag",), ("summe",), ("importe",), ("montant",), ("totale",),
    ("kwota",), ("sum",),
)  # fmt: skip
"""What an order's value is called, the likeliest first."""

_STATES = ("status", "state", "estado", "statut", "stato", "stav", "zustand")

_PLACES = ("city", "town", "country", "ciudad", "ville", "citta", "stadt", "ort")


def orders_role(sections: Sequence[DraftSection]) -> OrdersRole | None:
    """Choose the section of orders; None if no section is called like one."""
    ranked = [(rank, place, one) for place, one in enumerate(sections) if (rank := _rank(one)) is not None]
    if not ranked:
        return None
    chosen = min(ranked, key=lambda one: one[:2])[2].section
    columns = chosen.exported_columns
    moments = [one for one in columns if one.type in (ColumnType.DATE, ColumnType.TIMESTAMP)]
    time = next((one.name for one in moments if one.source == chosen.time), None)
    return OrdersRole(section=chosen.name, amount=_amount(columns), time=time, status=_status(columns))


def _rank(draft: DraftSection) -> tuple[int, int, bool] | None:
    """Rank a section by its table's name and by how near it is to the customer; None if it is none of orders."""
    stem = stem_of(draft.table.name)
    if not vocabulary.ORDERS.names(stem) and not vocabulary.ORDERS.names(stem[-1:]):
        return None
    steps = min((len(link) for link in draft.section.links), default=1)
    word = next((place for place, word in enumerate(vocabulary.ORDER_RANK) if word in stem), len(vocabulary.ORDER_RANK))
    return word, steps, draft.section.time is None


def _amount(columns: Sequence[Column]) -> str | None:
    money = [column.name for column in columns if column.type is ColumnType.MONEY]
    for name in _AMOUNTS:
        for column in money:
            words = words_of(column)
            if words == name or (words[-len(name) :] == name and "sub" not in words and "net" not in words):
                return column
    return money[0] if len(money) == 1 else None


def _status(columns: Sequence[Column]) -> str | None:
    names = {words_of(one.name) for one in columns}
    named = [
        one
        for one in columns
        if any(word in _STATES for word in words_of(one.name)) and not _is_of_address(words_of(one.name), names)
    ]
    texts = [one.name for one in named if one.type is ColumnType.TEXT]
    return min(texts, key=lambda name: len(words_of(name)), default=None)


def _is_of_address(words: tuple[str, ...], names: Container[tuple[str, ...]]) -> bool:
    """Whether a state is one of a country: there is a city beside it, called alike."""
    return any(tuple(place if word in _STATES else word for word in words) in names for place in _PLACES)
