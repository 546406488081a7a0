"""Write a draft as the text of a customer map, with comments; what it says is read back by the map's own reader."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from customer_export.mapping.coverage.record import recorded_text
from customer_export.mapping.draft import Draft, DraftColumn, DraftSection, Proposal
from customer_export.model.columns import Column, SourceColumn
from customer_export.model.customer_map import Conditions, Exclusion, Link, LinkStep, Lookup, RecordedSchema, TableName

LINE_LETTERS = 118  # of a comment: what fits beside the next window
RECORDED = "What these tables looked like when the map was written: `map check` tells what has changed."

ANSWERS = (
    "# For answers to a customer's own request for their data (docs/dsar.md). Of each section they need purpose,",
    "# recipients, retention and origin (provided, observed, derived or third-party), of columns about other people",
    "# third_party = true, and of sensitive ones protected. `map check` says what is missing.",
    "# [dsar]",
    '# controller = "Name and address of who is responsible"',
    '# contact = "privacy@example.com"',
    '# authority = "The supervisory authority that takes complaints"',
    '# transfers = "What goes to other countries, and by which safeguards"',
    '# automated_decisions = "Whether machines decide about people, by which logic, with what effect"',
)
"""What nobody can guess from a database, as comments."""


def map_text(draft: Draft, *, head: Sequence[str]) -> str:
    """Write a map. `head` are lines of comment that say where the file is from."""
    lines = [*_comments(head), "", "map = 1", f"name = {_string(draft.name)}"]
    lines += [f"time_zone = {_string(draft.time_zone)}  # {_one_line(draft.time_zone_note)}", "", *_customer(draft)]
    lines += _orders(draft)
    lines += ["", *ANSWERS]
    for section in draft.sections:
        written = list(_section(section, draft))
        lines += ["", "", *(_commented(written) if section.proposed else written)]
    lines += _exclusions(draft.excluded)
    lines += _recorded(draft.recorded)
    return "\n".join(lines) + "\n"


def _customer(draft: Draft) -> Iterator[str]:
    customer = draft.customer
    yield "[customer]"
    yield f"table = {_table(customer.table)}"
    yield f"key = {_string(customer.key)}"
    yield f"key_type = {_string(customer.key_type.value)}"
    yield f"title = {_strings(customer.title)}"
    if customer.search:
        yield f"search = {_strings(customer.search)}"
    if customer.unique:
        yield "unique = true"
    yield from _comments(draft.customer_notes)


def _orders(draft: Draft) -> Iterator[str]:
    if draft.orders is None:
        return
    yield from ("", "[orders]  # the section that plays the orders: key figures, charts, when CSV streams")
    for key in ("section", "amount", "time", "status"):
        value = getattr(draft.orders, key)
        if value is not None:
            yield f"{key} = {_string(value)}"


def _section(draft: DraftSection, whole: Draft) -> Iterator[str]:
    section = draft.section
    yield from _comments(draft.notes)
    yield "[[sections]]"
    yield f"name = {_string(section.name)}"
    if section.label != _default_label(section.name):
        yield f"label = {_string(section.label)}"
    if draft.sql is None:
        yield f"table = {_table(draft.table)}"
        yield from _links(section.links, draft.proposals, key=whole.customer.key)
    else:
        yield f"sql = {_string(draft.sql)}"
    if section.time is not None:
        yield f"time = {_source(section.time)}"
    yield f"order = {_sources(section.order)}"
    if section.unique:
        yield f"unique = {_strings(section.unique)}"
    yield "columns = ["
    for column in draft.columns:
        yield from _column(column)
    yield "]"
    for name, reason in draft.excluded.items():
        yield from _comments([f"not exported: {name} ({reason})"])
    for lookup in section.lookups:
        yield from _lookup(lookup)


def _links(links: Sequence[Link], proposals: Sequence[Proposal], *, key: str) -> Iterator[str]:
    if len(links) == 1 and not proposals and len(links[0]) == 1:
        yield f"links = [{_link(links[0], key=key)}]"
        return
    yield "links = ["
    for link in links:
        yield f"  {_link(link, key=key)},"
    for proposal in proposals:
        yield from (f"  {line}" for line in _comments([f"{proposal.why}; to use it:"]))
        yield f"  # {_link(proposal.link, key=key)},"
    yield "]"


def _link(link: Link, *, key: str) -> str:
    return f"[{', '.join(_step(step, key=key) for step in link)}]"


def _step(step: LinkStep, *, key: str) -> str:
    parts = [f"columns = {_one_or_many(step.columns)}"]
    if step.table is not None:
        parts.append(f"table = {_table(step.table)}")
    if step.table is not None or step.to != (key,):
        parts.append(f"to = {_one_or_many(step.to)}")
    if step.ignore_case:
        parts.append("ignore_case = true")
    if step.only_if_null:
        parts.append(f"only_if_null = {_one_or_many(step.only_if_null)}")
    if step.only_if_zero:
        parts.append(f"only_if_zero = {_one_or_many(step.only_if_zero)}")
    if step.only_if:
        parts.append(_only_if(step.only_if))
    return f"{{ {', '.join(parts)} }}"


def _only_if(values: Conditions) -> str:
    return f"only_if = {{ {', '.join(f'{_key(column)} = {_string(text)}' for column, text in values)} }}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _string(name)


def _column(draft: DraftColumn) -> Iterator[str]:
    column = draft.column
    parts = [f"name = {_string(column.name)}"]
    if column.source != SourceColumn(None, column.name):
        parts.append(f"source = {_source(column.source)}")
    parts += [f"type = {_string(column.type.value)}", *_column_options(column)]
    parts.append(f"personal_data = {_string(column.personal_data.value)}")
    if column.label != _default_label(column.name):
        parts.append(f"label = {_string(column.label)}")
    why = f"  # {_one_line(draft.why)}" if draft.why else ""
    yield f"  {{ {', '.join(parts)} }},{why}"


def _column_options(column: Column) -> Iterator[str]:
    if column.currency is not None:
        yield f"currency = {_string(column.currency)}"
    if column.currency_code is not None:
        yield f"currency_code = {_string(column.currency_code)}"
    if column.counted_in is not None:
        yield f"counted_in = {_string(column.counted_in.value)}"
    if column.stored_as is not None:
        yield f"stored_as = {_string(column.stored_as.value)}"


def _lookup(lookup: Lookup) -> Iterator[str]:
    yield "[[sections.lookups]]"
    yield f"name = {_string(lookup.name)}"
    yield f"columns = {_sources(lookup.columns) if len(lookup.columns) > 1 else _single_source(lookup.columns[0])}"
    yield f"table = {_table(lookup.table)}"
    yield f"to = {_one_or_many(lookup.to)}"
    if lookup.only_if:
        yield _only_if(lookup.only_if)
    if lookup.unique:
        yield "unique = true"


def _exclusions(excluded: Sequence[Exclusion]) -> Iterator[str]:
    if not excluded:
        return
    yield from ("", "", *_comments(["What is known and left out on purpose. `map check` asks about everything else."]))
    for exclusion in excluded:
        yield from ("", "[[exclude]]", f"table = {_table(exclusion.table)}")
        if exclusion.columns:
            yield f"columns = {_strings(exclusion.columns)}"
        yield f"reason = {_string(exclusion.reason)}"


def _recorded(recorded: RecordedSchema) -> Iterator[str]:
    if recorded:
        yield from ("", "", *_comments([RECORDED]), "", *recorded_text(recorded).rstrip("\n").split("\n"))


def _string(text: str) -> str:
    """Write a basic string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _strings(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_string, texts))}]"


def _one_or_many(texts: Sequence[str]) -> str:
    return _string(texts[0]) if len(texts) == 1 else _strings(texts)


def _table(table: TableName) -> str:
    return _qualified(table.schema, table.name)


def _source(source: SourceColumn) -> str:
    return _qualified(source.lookup, source.name)


def _qualified(qualifier: str | None, name: str) -> str:
    """Write `qualifier.name`; what has a dot itself as a list."""
    parts = [part for part in (qualifier, name) if part is not None]
    return _strings(parts) if any("." in part for part in parts) else _string(".".join(parts))


def _sources(sources: Sequence[SourceColumn]) -> str:
    return f"[{', '.join(map(_source, sources))}]"


def _single_source(source: SourceColumn) -> str:
    text = _source(source)
    return f"[{text}]" if text.startswith("[") else text


def _default_label(name: str) -> str:
    return re.sub(r"_+", " ", name).strip().capitalize()


def _comments(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _wrapped(_one_line(text)) if text else ["#"]


def _wrapped(text: str) -> Iterator[str]:
    line = "#"
    for word in text.split(" "):
        if len(line) > 1 and len(line) + 1 + len(word) > LINE_LETTERS:
            yield line
            line = "#"
        line = f"{line} {word}"
    yield line


def _one_line(text: str) -> str:
    """Take out what would end a comment or is not allowed in one."""
    return "".join(one if one.isprintable() else " " for one in text)


def _commented(lines: Iterable[str]) -> list[str]:
    return [line if line.startswith("#") else f"# {line}" for line in lines]
