"""The files that a schedule names to be made for the cache."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from customer_export.errors import InvalidRequestError
from customer_export.export.admission import ExportCall
from customer_export.export.parameters import Parameters
from customer_export.export.warming import admit_warming
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import read_body, read_chosen
from customer_export.model.access import Credentials

MOST_FILES = 1_000
"""Of one schedule: what 30 files in a minute make in half an hour. Files live for minutes, so more would end unread."""

_OF_JOBS = ("filter", "layout", "since", "onDuplicate")


def named_calls(jobs: Jobs, wanted: object, credentials: Credentials) -> Sequence[ExportCall]:
    """Read a body: the calls of its owner for each customer in each format. Raises InvalidRequestError."""
    members, parameters = read_body(wanted)
    for name in _OF_JOBS:
        if name in members:
            raise InvalidRequestError(f"Invalid schedule: export: {name}: is of jobs; with target cache leave it out")
    customers = read_chosen(jobs, members).ids
    if customers is None:
        raise InvalidRequestError(
            "Invalid schedule: export: with target cache name them, by customer (an id) or customers (a list of ids)"
        )
    others = tuple((name, value) for name, value in parameters if name != "format")
    formats = [value for name, value in parameters if name == "format"]
    spelled: Sequence[Parameters] = [(("format", one.strip()),) for value in formats for one in value.split(",")] or [
        ()
    ]
    if len(customers) * len(spelled) > MOST_FILES:
        raise InvalidRequestError(f"Invalid schedule: export: names more than {MOST_FILES} files; make several of it")
    return [
        ExportCall(
            export_id=uuid4().hex,
            customer_id=customer_id,
            parameters=(*file_format, *others),
            credentials=credentials,
            client=None,
        )
        for customer_id in customers
        for file_format in spelled
    ]


def check_warming(jobs: Jobs, wanted: Mapping[str, object], credentials: Credentials) -> None:
    """Raise InvalidRequestError, or what `admit_warming` raises, unless these files can be made for the cache."""
    if jobs.warming is None:
        raise InvalidRequestError(
            "Invalid schedule: target: nothing is made for the cache here; ask your operator to set "
            "EXPORT_WARM_PER_MINUTE, or leave target out"
        )
    checked: set[object] = set()
    for call in named_calls(jobs, wanted, credentials):
        if call.parameters not in checked:  # customers differ in nothing that is known before they are read
            checked.add(call.parameters)
            admit_warming(jobs.services, call)
