"""What a purge has found and destroyed, as it is counted on the way."""

from dataclasses import dataclass, field

from customer_export.errors import ExportError
from customer_export.model.bulk_result import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyedFile:
    """A file that is gone from the storage. `sha256` is None if nobody knew it any more."""

    name: str
    size_bytes: int
    sha256: str | None

    def members(self) -> dict[str, object]:
        """Give it as JSON members."""
        return {"name": self.name, "bytes": self.size_bytes, "sha256": self.sha256}


@dataclass(slots=True)
class Destroyed:
    """Counts, and the ids behind them. `problems` are the failures by the place that they kept from being reached.

    `jobs` lost all they had, `parts` are those of other jobs that lost theirs; `left_out` are jobs in flight that leave
    the customer out from now on.
    """

    jobs: list[str] = field(default_factory=list)
    parts: list[tuple[str, int]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    files: list[DestroyedFile] = field(default_factory=list)
    schedules: list[str] = field(default_factory=list)
    schedules_changed: list[str] = field(default_factory=list)
    problems: dict[str, ExportError] = field(default_factory=dict)

    def add_file(self, artifact: Artifact | None, *, name: str, size_bytes: int) -> None:
        """Note a file that is gone; `artifact` is what was known of it."""
        sha256 = None if artifact is None else artifact.sha256
        self.files.append(DestroyedFile(name=name, size_bytes=size_bytes, sha256=sha256))

    @property
    def bytes(self) -> int:
        """How large the files were."""
        return sum(file.size_bytes for file in self.files)
