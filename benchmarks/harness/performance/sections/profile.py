"""Which parts of the graph take the time."""

from __future__ import annotations

from typing import Any

from fastbert_tf.evaluation import Profile
from fastbert_tf.evaluation.profile_parts import PARTS
from harness.performance.markdown import table
from harness.performance.sections.about import about


def profile_section(result: dict[str, Any]) -> str:
    """Milliseconds, share of the call and rate of every part."""
    profiles = [Profile.from_dict(values) for values in result["profiles"]]
    (length,) = {profile.length for profile in profiles}
    heads = [f"{what}, batch {profile.batch_size}" for profile in profiles for what in ("ms/row", "share", "GOP/s")]
    body = [
        [part.replace("_", " "), *(cell for profile in profiles for cell in _part(profile, part))] for part in PARTS
    ]
    idle = [cell for one in profiles for cell in (f"{one.idle_ms:.3f}", f"{one.idle_ms / _call_ms(one):.0%}", "")]
    words = (
        f"All layers and branches of rows of {length} tokens, int8, by TensorFlow's profiler; the last line is the "
        "executor's and Python's time. The machine is faster in some minutes than in others: compare shares. "
        + ", ".join(
            f"Batch {one.batch_size} takes {one.whole_ms:.2f} ms a row without the profiler" for one in profiles
        )
        + "."
    )
    return f"## Which parts take the time\n\n{about('profile', result, threads=1)}\n\n{words}\n\n" + table(
        ["part", *heads], [*body, ["no operation runs", *idle]]
    )


def _part(profile: Profile, name: str) -> tuple[str, str, str]:
    cost = profile.sum_of(name, name)
    rate = f"{cost.executed_flops / cost.milliseconds / 1e6:.0f}" if cost.executed_flops else ""
    return f"{cost.milliseconds:.3f}", f"{cost.milliseconds / _call_ms(profile):.0%}", rate


def _call_ms(profile: Profile) -> float:
    return profile.total.milliseconds + profile.idle_ms
