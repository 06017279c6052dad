"""What an import says when it is done."""

from dataclasses import dataclass, field
from typing import Any

_MOST_WARNINGS = 100


@dataclass
class Report:
    """Counts over the rows of one file: read = created + updated + unchanged + rejected."""

    kind: str
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects_file: str | None = None
    seconds: float = 0.0
    is_dry_run: bool = False
    warning_count: int = 0
    warnings: list[str] = field(default_factory=list)
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header: list[str] = field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Note something a person should know; the first hundred different sentences are kept."""
        self.warning_count += 1
        if len(self.warnings) < _MOST_WARNINGS and sentence not in self.warnings:
            self.warnings.append(sentence)

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "rejects_file": self.rejects_file,
            "seconds": round(self.seconds, 3),
            "dry_run": self.is_dry_run,
            "warnings": self.warnings,
        }

    def as_text(self) -> str:
        would = "would be " if self.is_dry_run else ""
        lines = [
            f"{self.kind}: {self.read:,} rows read in {self.seconds:.1f} s: {self.created:,} {would}created, "
            f"{self.updated:,} {would}updated, {self.unchanged:,} unchanged, {self.rejected:,} rejected"
        ]
        lines += [f"warning: {sentence}" for sentence in self.warnings[:20]]
        if len(self.warnings) > 20:
            lines.append(f"… and {self.warning_count - 20:,} more warnings")
        if self.rejected:
            lines.append(
                f"The rejected rows with their reasons are in {self.rejects_file}; mend them and import that file"
            )
        return "\n".join(lines)
