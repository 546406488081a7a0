"""What callers ask for, read into a model, and what is wrong with it: every mistake at once, each with its remedy."""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from customer_export.errors import InvalidRequestError

Model = TypeVar("Model", bound=BaseModel)


def read_query(given: Sequence[tuple[str, str]], parameters: type[Model], remedies: Mapping[str, str]) -> Model:
    """Read query parameters. Raises InvalidRequestError with all that is wrong."""
    found, problems = read_given(given, parameters, remedies)
    if problems or found is None:
        raise invalid_parameters(problems)
    return found


def read_given(
    given: Sequence[tuple[str, str]], parameters: type[Model], remedies: Mapping[str, str]
) -> tuple[Model | None, list[str]]:
    """Read query parameters, None if they cannot be, and say what is wrong: one that is given twice, too."""
    problems = [
        f"{name}: is given {count} times; give it once"
        for name, count in Counter(name for name, _ in given).items()
        if count > 1
    ]
    try:
        return parameters.model_validate(dict(given)), problems
    except ValidationError as failure:
        return None, [*problems, *describe_mistakes(failure, parameters, remedies)]


def invalid_parameters(problems: Sequence[str]) -> InvalidRequestError:
    """Make the error that tells all problems."""
    return InvalidRequestError(f"Invalid request parameters: {'; '.join(problems)}")


def describe_mistakes(
    failure: ValidationError, parameters: type[BaseModel], remedies: Mapping[str, str]
) -> Iterator[str]:
    """Say what is wrong with each parameter, and the remedy; `remedies` has those of kinds of errors of pydantic's."""
    known = [field.alias or name for name, field in parameters.model_fields.items()]
    for error in failure.errors(include_url=False):
        name, kind = str(error["loc"][0]), error["type"]
        match kind:
            case "extra_forbidden":
                near = difflib.get_close_matches(name, known, n=1)
                remedy = f"did you mean {near[0]}?" if near else f"the parameters are {', '.join(known)}"
                yield f"{name}: is not a parameter; {remedy}"
            case "enum":
                expected = str(error.get("ctx", {}).get("expected", "")).replace("'", "")
                yield f"{name}: is not known; use {expected}"
            case _:
                yield f"{name}: {remedies.get(kind, error['msg'])}"
