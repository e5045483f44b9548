"""What an import did with every tensor of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImportReport:
    """Names of the tensors that were not a plain match; nothing is dropped without standing here."""

    missing: tuple[str, ...] = ()
    """Tensors that the backbone needs and the checkpoint lacks; an import with any of them is refused."""
    unexpected: tuple[str, ...] = ()
    """Tensors of the checkpoint that are no part of the backbone, such as the pooler and pre-training heads."""
    skipped: tuple[str, ...] = ()
    """Tensors that are known and of no use here: position id buffers, optimizer slots, step counters."""

    def summary(self) -> str:
        """Returns one line for a log: counts, and the first names of each kind."""

        def part(kind: str, names: tuple[str, ...]) -> str:
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            return f"{len(names)} {kind}" + (f" ({shown})" if names else "")

        return "; ".join(part(kind, getattr(self, kind)) for kind in ("missing", "unexpected", "skipped"))
