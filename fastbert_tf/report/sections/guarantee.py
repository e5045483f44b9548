"""What was shown about early answers, in words."""

from __future__ import annotations

from fastbert_tf.calibration import Certificate
from fastbert_tf.report.commands import calibrate_command, certified_command
from fastbert_tf.report.document import Missing, Paragraph, Section, Table
from fastbert_tf.report.run import Run


def guarantee(run: Run) -> Section:
    """Says what the certificate promises, on what grounds, and what it does not promise."""
    title, found = "Certificate", run.certificate
    if found is None:
        words = (
            "Nothing has been shown about the early answers of this run. `fastbert calibrate` shows it, on rows that "
            "training held out (`fastbert train --calibration_rows`)."
        )
        return Section.of(title, Missing(words, calibrate_command(run)))
    other = None
    if found.subject.model != run.report.model:
        other = Missing("The certificate is of another classifier than the evaluated one. Calibrate or evaluate again.")
    elif not run.is_certified and found.speed > 0:
        other = Missing("The certificate is of another arithmetic, policy or set of exits than the evaluation. "
                        "Evaluate what was certified.", certified_command(run))  # fmt: skip
    return Section.of(title, other, Paragraph(_promise(found)), _grounds(found), Paragraph(_limits()))


def _promise(found: Certificate) -> str:
    if found.speed == 0:
        return (
            f"No speed above 0 was shown to keep the accuracy within {100 * found.max_accuracy_drop:g} points of the "
            f"plain encoder's: rows run through all layers. {found.rows:,} rows were tested."
        )
    loses = "wrong where the plain encoder is right" if found.labelled else "other than the plain encoder's"
    return (
        f"With {100 * found.confidence:g} % confidence, at speed {found.speed:.4g} at most "
        f"{100 * found.max_accuracy_drop:g} % of rows like the calibration rows get an early answer that is {loses}; "
        f"the accuracy is then at most {100 * found.max_accuracy_drop:g} points below the plain encoder's. Expected: "
        f"{found.speedup:.2f} times less work."
    )


def _grounds(found: Certificate) -> Table:
    rows = (
        ("policy", found.policy["name"]),
        ("speed", f"{found.speed:.4g}"),
        ("branches on after layers", ", ".join(map(str, found.exits))),
        ("arithmetic", found.subject.precision),
        ("test", f"{found.method.replace('_', '-')}, {found.policies} policies shared the error"),
        ("rows tested on", f"{found.rows:,} ({'labelled' if found.labelled else 'unlabelled'})"),
        ("of them lost", f"{found.losses:,}"),
        ("other rows, policies learned on them", f"{found.learning_rows:,}"),
        ("executed FLOPs a row", f"{found.flops / 1e6:.1f}M of {found.full_flops / 1e6:.1f}M"),
        ("speedups that can be asked for", f"1 to {found.dial.most:.2f}"),
    )
    return Table("On what grounds", ("what", "value"), rows, words=(0, 1))


def _limits() -> str:
    return (
        "The confidence is over the choice of the calibration rows: of 100 such calibrations, about as many as the "
        "confidence says keep the promise. It says nothing of texts of another kind, nor of another model, arithmetic, "
        "policy or speed."
    )
