"""Which class of personal data a column holds: by its name, else by what its table is about."""

from customer_export.mapping import vocabulary
from customer_export.mapping.words import stem_of, words_of
from customer_export.model.columns import ColumnType, PersonalDataClass
from customer_export.model.customer_map import TableName

_BY_NAME = (
    (PersonalDataClass.TECHNICAL, vocabulary.NETWORK),
    (PersonalDataClass.SENSITIVE, vocabulary.SENSITIVE),
    (PersonalDataClass.CONSENT, vocabulary.CONSENT),
    (PersonalDataClass.CONTACT, vocabulary.EMAIL),
    (PersonalDataClass.CONTACT, vocabulary.PHONE),
    (PersonalDataClass.FINANCIAL, vocabulary.FINANCIAL),
    (PersonalDataClass.IDENTITY, vocabulary.IDENTITY),
    (PersonalDataClass.CONTACT, vocabulary.CONTACT),
    (PersonalDataClass.COMMUNICATION, vocabulary.COMMUNICATION),
    (PersonalDataClass.TECHNICAL, vocabulary.TECHNICAL),
)
"""The classes in the order in which a name is asked for them: what must be guarded most comes early."""

_TECHNICAL_TYPES = frozenset({ColumnType.UUID})


def personal_data_of(
    column: str, kind: ColumnType, table: TableName, *, is_reference: bool, of_people: bool
) -> PersonalDataClass:
    """Say the class of a column.

    `is_reference`: it is a key or leads to one. `of_people`: the table describes people.
    """
    words = words_of(column)
    topic = topic_of(table, of_people=of_people)
    if kind is ColumnType.MONEY:
        return PersonalDataClass.FINANCIAL
    if vocabulary.CURRENCY.names(words):
        return PersonalDataClass.NONE
    if kind is ColumnType.EMAIL:
        return PersonalDataClass.CONTACT
    for found, terms in _BY_NAME:
        if terms.said_in(words) and not (found is PersonalDataClass.CONTACT and _is_state(words, topic)):
            return PersonalDataClass.TECHNICAL if is_reference and found is not PersonalDataClass.SENSITIVE else found
    if (of_people and vocabulary.NAMES.said_in(words)) or vocabulary.PERSON_NAMES.said_in(words):
        return PersonalDataClass.IDENTITY
    if (
        is_reference
        or kind in _TECHNICAL_TYPES
        or (kind is ColumnType.TIMESTAMP and vocabulary.CREATED_TIMES.said_in(words))
    ):
        return PersonalDataClass.TECHNICAL
    return topic


def _is_state(words: tuple[str, ...], topic: PersonalDataClass) -> bool:
    """Whether a `state` or `location` is that of an order rather than where somebody lives."""
    return words in {("state",), ("region",), ("location",), ("address",)} and topic is not PersonalDataClass.IDENTITY


def topic_of(table: TableName, *, of_people: bool) -> PersonalDataClass:
    """Say what a table is about, for columns whose names say nothing."""
    stem = stem_of(table.name)
    if of_people:
        return PersonalDataClass.IDENTITY
    for found, terms in (
        (PersonalDataClass.CONTACT, vocabulary.ADDRESSES),
        (PersonalDataClass.CONSENT, vocabulary.CONSENTS),
        (PersonalDataClass.FINANCIAL, vocabulary.PAYMENTS),
        (PersonalDataClass.COMMUNICATION, vocabulary.MESSAGES),
        (PersonalDataClass.TECHNICAL, vocabulary.LOGS),
    ):
        if terms.said_in(stem):
            return found
    return PersonalDataClass.BEHAVIOUR
