"""What a map says for people who ask for their own data: where it comes from, what it is for, what must not be told."""

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class DsarProfile(StrEnum):
    """What a data subject asked for; it decides what an export has, and what its covering document says.

    ================ ===========================================================================================
    gdpr-access      Article 15 GDPR: everything, with purposes, recipients, retention and source
    gdpr-portability Article 20 GDPR: what the person provided or their use produced, in machine-readable formats
    ccpa-know        Cal. Civ. Code 1798.110: all but what 11 CCR 7024(d) forbids to send, which is named instead
    ================ ===========================================================================================
    """

    GDPR_ACCESS = "gdpr-access"
    GDPR_PORTABILITY = "gdpr-portability"
    CCPA_KNOW = "ccpa-know"


@unique
class Origin(StrEnum):
    """Where data comes from; the first two are portable (WP 242, section II: provided by, and observed of, people)."""

    PROVIDED = "provided"
    OBSERVED = "observed"
    DERIVED = "derived"
    THIRD_PARTY = "third-party"


PORTABLE = frozenset({Origin.PROVIDED, Origin.OBSERVED})


@unique
class ProtectedClass(StrEnum):
    """What 11 CCR 7024(d) forbids to send in answer to a request to know. `none`: looked at, and none of these."""

    SOCIAL_SECURITY_NUMBER = "social_security_number"
    GOVERNMENT_ID = "government_id"
    FINANCIAL_ACCOUNT = "financial_account"
    HEALTH_ID = "health_id"
    PASSWORD = "password"  # noqa: S105  # the name of a class
    SECURITY_ANSWER = "security_answer"
    BIOMETRIC = "biometric"
    NONE = "none"


@unique
class WithheldReason(StrEnum):
    """Why a column is not in an export, or has no values there."""

    THIRD_PARTY = "third-party"
    PROTECTED = "protected"
    NOT_PORTABLE = "not-portable"
    POLICY = "policy"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideInformation:
    """What Article 15(1) has told of a section beside its data; None is not said.

    `obtained_from` names who gave what people did not give themselves.
    """

    purpose: str | None = None
    recipients: str | None = None
    retention: str | None = None
    origin: Origin | None = None
    obtained_from: str | None = None


NOTHING_SAID = SideInformation()


@dataclass(frozen=True, slots=True, kw_only=True)
class DsarInformation:
    """What an answer says of whoever gives it. `rights` stands in place of our own text; `profiles` are offered."""

    controller: str
    contact: str
    authority: str | None = None
    transfers: str | None = None
    automated_decisions: str | None = None
    rights: str | None = None
    profiles: tuple[DsarProfile, ...] = tuple(DsarProfile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Columns of a section (by their labels) that are withheld for one reason; `protected` is the class of that."""

    section: str
    label: str
    columns: tuple[str, ...]
    reason: WithheldReason
    protected: ProtectedClass | None = None
