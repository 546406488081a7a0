"""Pages of lists that are in the order of ids or names."""

import re

from starlette.datastructures import QueryParams

from customer_export.export.mistakes import invalid_parameters

MOST, USUAL = 200, 50  # on a page
COUNT = re.compile("[1-9][0-9]{0,3}")
PLACE = re.compile(r"[\w-]{1,100}")  # ids, and names of templates


def read_page(query: QueryParams, *, place: str, more: tuple[str, ...] = ()) -> tuple[int, str | None]:
    """Read `limit`, and at which id the page begins, called `place`; `more` is what is read elsewhere.

    Raises InvalidRequestError.
    """
    given = {name: value for name, value in query.items() if name not in more}
    limit, at = given.pop("limit", str(USUAL)), given.pop(place, None)
    if given:
        known = ", ".join(("limit", place, *more))
        raise invalid_parameters([f"{min(given)}: is not a parameter; the parameters are {known}"])
    if COUNT.fullmatch(limit) is None or int(limit) > MOST:
        raise invalid_parameters([f"limit: is not a whole number from 1 to {MOST}"])
    if at is not None and PLACE.fullmatch(at) is None:
        raise invalid_parameters([f"{place}: is none that a page gave; take it out of `next`"])
    return int(limit), at
