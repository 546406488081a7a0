"""Read a policy from a TOML file; every mistake in it is reported with its key and the remedy."""

import difflib
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from customer_export.errors import PolicyError
from customer_export.model.access import VIEW_PREFIX, Scope
from customer_export.model.columns import Mask, PersonalDataClass
from customer_export.model.policy import FINGERPRINT_DIGITS, Policy


class PolicyPart(BaseModel):
    """The whole file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Literal[1] = Field(description="The version of this file's format")
    scopes: dict[str, list[PersonalDataClass]] = Field(description="The classes that each scope sees")
    masks: dict[PersonalDataClass, Mask] = Field(default={}, description="Of the others; `withhold` if not given")


def load_policy(path: Path) -> Policy:
    """Read and check the policy at `path`. Raises PolicyError with every mistake found, not just the first."""
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise PolicyError(
            str(path), [f"cannot be read ({failure.strerror}); set EXPORT_POLICY to a policy"]
        ) from failure
    return parse_policy(content, file=str(path))


def parse_policy(content: bytes, *, file: str) -> Policy:
    """Check a policy's text; `file` names it in messages. Raises PolicyError."""
    try:
        tree = tomllib.loads(content.decode("utf-8-sig"))  # some editors begin a file with a mark
    except UnicodeDecodeError as failure:
        raise PolicyError(file, [f"is not UTF-8 (byte {failure.start}); save it as UTF-8"]) from failure
    except tomllib.TOMLDecodeError as failure:
        raise PolicyError(file, [f"is not TOML: {failure}"]) from failure
    problems = list(_contradictions(tree))
    try:
        part = PolicyPart.model_validate(tree)
    except ValidationError as failure:
        problems += [_describe(error) for error in failure.errors(include_url=False)]
        raise PolicyError(file, problems) from failure
    if problems:
        raise PolicyError(file, problems)
    return Policy(
        version=hashlib.sha256(content).hexdigest()[:FINGERPRINT_DIGITS],
        seen={scope: frozenset(classes) for scope, classes in part.scopes.items()},
        masks=part.masks,
    )


def _contradictions(tree: Mapping[str, object]) -> Iterator[str]:
    scopes, masks = tree.get("scopes"), tree.get("masks")
    for scope in scopes if isinstance(scopes, dict) else ():
        place = f'scopes."{scope}"'
        if scope in (Scope.UNMASKED, Scope.ADMIN):
            yield f"{place}: this scope sees everything, whatever a policy says; remove it"
        elif scope != Scope.EXPORT and not scope.startswith(VIEW_PREFIX):
            yield f'{place} is no scope that sees data; use "{Scope.EXPORT}" or one that begins with "{VIEW_PREFIX}"'
    if isinstance(masks, dict) and PersonalDataClass.NONE in masks:
        yield f"masks.{PersonalDataClass.NONE}: everybody sees what is no personal data; remove it"


def _describe(error: ErrorDetails) -> str:
    first, *rest = (str(step) for step in error["loc"] if step != "[key]")
    place = first + "".join(map(_step, rest))
    match error["type"]:
        case "missing":
            return f"{place} is missing; add it"
        case "extra_forbidden":
            near = difflib.get_close_matches(first, list(PolicyPart.model_fields), n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(PolicyPart.model_fields)}"
            return f"{place} is not a key of this file; {remedy}"
        case "enum" | "literal_error":
            expected = str(error.get("ctx", {}).get("expected", ""))
            return f"{place} is {error['input']!r}; use one of {expected}"
        case _:
            return f"{place}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _step(step: str) -> str:
    if step.isdigit():
        return f"[{int(step) + 1}]"
    return f".{step}" if step.isidentifier() else f'."{step}"'
