"""Every mistake in a policy is reported with the file, the key and the remedy; and what a policy means."""

# ruff: noqa: E501  # the table of mistakes has one a line

from pathlib import Path

import pytest

from customer_export.auth.policy_file import load_policy, parse_policy
from customer_export.errors import PolicyError
from customer_export.model.access import Principal, Scope
from customer_export.model.columns import Mask, PersonalDataClass
from customer_export.model.policy import MASKABLE, Policy, masking_fingerprint, masks_for

GOOD = """
policy = 1

[scopes]
"customers:export" = ["behaviour", "consent", "none"]
"customers:export:finance" = ["financial"]
"customers:export:nothing" = []

[masks]
contact = "partial"
identity = "partial"
financial = "withhold"
"""
CLASSES = (
    "'identity', 'contact', 'financial', 'behaviour', 'communication', 'consent', 'technical', 'sensitive' or 'none'"
)
MISTAKES = [
    ("policy = 1\n", "", ["policy is missing; add it"]),
    ("policy = 1", "policy = 2", ["policy is 2; use one of 1"]),
    ("[masks]", "[mask]", ["mask is not a key of this file; did you mean 'masks'?"]),
    ("[masks]", "[colours]", ["colours is not a key of this file; the keys are policy, scopes, masks"]),
    ('"customers:export" =', '"customers:exprt" =', ['scopes."customers:exprt" is no scope that sees data; use "customers:export" or one that begins with "customers:export:"']),
    ('"customers:export" =', '"audit:read" =', ['scopes."audit:read" is no scope that sees data; use "customers:export" or one that begins with "customers:export:"']),
    ('"customers:export" =', '"admin" =', ['scopes."admin": this scope sees everything, whatever a policy says; remove it']),
    ('"customers:export:finance"', '"customers:export:unmasked"', ['scopes."customers:export:unmasked": this scope sees everything, whatever a policy says; remove it']),
    ('["financial"]', '["finance"]', [f"scopes.\"customers:export:finance\"[1] is 'finance'; use one of {CLASSES}"]),
    ('["financial"]', '"financial"', ['scopes."customers:export:finance": input should be a valid list']),
    ('contact = "partial"', 'contact = "blur"', ["masks.contact is 'blur'; use one of 'withhold' or 'partial'"]),
    ('contact = "partial"', 'kontakt = "partial"', [f"masks.kontakt is 'kontakt'; use one of {CLASSES}"]),
    ('contact = "partial"', 'none = "partial"', ["masks.none: everybody sees what is no personal data; remove it"]),
]  # fmt: skip


def problems_of(text: str) -> list[str]:
    with pytest.raises(PolicyError) as failure:
        parse_policy(text.encode(), file="policy.toml")
    assert failure.value.message == "\n".join(f"policy.toml: {problem}" for problem in failure.value.problems)
    return failure.value.problems


@pytest.mark.parametrize(("there", "instead", "problems"), MISTAKES)
def test_a_mistake_is_named_with_its_remedy(there: str, instead: str, problems: list[str]) -> None:
    assert there in GOOD
    assert problems_of(GOOD.replace(there, instead, 1)) == problems


def test_every_mistake_is_reported_at_once() -> None:
    wrong = GOOD
    for there, instead, _ in (MISTAKES[1], MISTAKES[4], MISTAKES[8], MISTAKES[12]):
        wrong = wrong.replace(there, instead, 1)
    assert len(problems_of(wrong)) == 4


@pytest.mark.parametrize("content", [b"policy = ", b'policy = "caf\xe9"', b"\xff\xfe"])
def test_what_is_no_toml_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(PolicyError, match=r"policy\.toml: is not"):
        parse_policy(content, file="policy.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="EXPORT_POLICY"):
        load_policy(tmp_path / "policy.toml")


def test_a_file_is_read_and_its_version_tells_it_from_others(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f"\N{BYTE ORDER MARK}{GOOD}", encoding="utf-8")
    policy = load_policy(path)
    assert policy.seen["customers:export:finance"] == {PersonalDataClass.FINANCIAL}
    assert policy.masks[PersonalDataClass.CONTACT] is Mask.PARTIAL
    assert len(policy.version) == 16
    assert policy.version != parse_policy(b"policy = 1\n[scopes]", file="").version


# What it means

POLICY = parse_policy(GOOD.encode(), file="policy.toml")


def holder(*scopes: str) -> Principal:
    return Principal(name="jane", scopes=frozenset(scopes))


def seen_by(*scopes: str, policy: Policy | None = POLICY) -> set[str]:
    return {one.value for one in set(MASKABLE) - set(masks_for(holder(*scopes), policy))}


def test_without_a_policy_nothing_is_masked() -> None:
    assert masks_for(holder(Scope.EXPORT), None) == {}


def test_scopes_add_up_and_what_none_of_them_sees_is_masked() -> None:
    assert seen_by(Scope.EXPORT) == {"behaviour", "consent"}
    assert seen_by(Scope.EXPORT, "customers:export:finance") == {"behaviour", "consent", "financial"}
    assert seen_by(Scope.EXPORT, "customers:export:nothing", "customers:export:unheard-of") == {"behaviour", "consent"}
    assert seen_by() == seen_by("customers:export:nothing") == seen_by(Scope.AUDIT) == set()
    nothing_named = parse_policy(b"policy = 1\n[scopes]", file="")
    assert seen_by(Scope.EXPORT, policy=nothing_named) == set()


@pytest.mark.parametrize("scope", [Scope.UNMASKED, Scope.ADMIN])
def test_two_scopes_see_everything(scope: Scope) -> None:
    assert masks_for(holder(Scope.EXPORT, scope), POLICY) == {}


def test_masks_are_as_the_policy_says_and_otherwise_withhold() -> None:
    masks = masks_for(holder(Scope.EXPORT), POLICY)
    partial = {one for one, mask in masks.items() if mask is Mask.PARTIAL}
    assert partial == {PersonalDataClass.CONTACT, PersonalDataClass.IDENTITY}
    assert PersonalDataClass.NONE not in masks


def test_the_fingerprint_tells_what_is_masked_and_nothing_else() -> None:
    alone, finance = holder(Scope.EXPORT), holder(Scope.EXPORT, "customers:export:finance")
    fingerprints = [masking_fingerprint(masks_for(one, POLICY)) for one in (alone, finance, holder(Scope.ADMIN))]
    assert len(set(fingerprints)) == 3
    assert fingerprints[2] == masking_fingerprint({}) == ""
    reordered = dict(reversed(masks_for(alone, POLICY).items()))
    assert masking_fingerprint(reordered) == fingerprints[0]
    other_masks = parse_policy(GOOD.replace('"partial"', '"withhold"').encode(), file="")
    assert masking_fingerprint(masks_for(alone, other_masks)) != fingerprints[0]
