"""The experiments of the FastBERT paper that can be made here, as one command (docs/reproduction.md).

    python benchmarks/reproduce_fastbert.py --list                                 all parts and how long each takes
    FASTBERT_DATA=data python benchmarks/reproduce_fastbert.py --work runs/reproduction \\
        --checkpoint DIR --chinese runs/zh/pretraining/encoder                     makes them, the most telling first
    python benchmarks/reproduce_fastbert.py --render        docs/reproduction.md, from what is stored

The same call goes on where it was stopped. `--task` and `--kind` choose parts. After each part its task's figures are
stored in docs/results/reproduction, from which the page is made; `--render` first brings them up to date with the work
folder, of the tasks of which it holds anything.
"""

from __future__ import annotations

from pathlib import Path

from absl import app, flags
from harness.reproduction.figures import draw
from harness.reproduction.making import bring_up_to_date, make
from harness.reproduction.page import PAGE, page
from harness.reproduction.plan import Part, parts
from harness.reproduction.settings import CHINESE, ENGLISH, TASKS
from harness.reproduction.stored import stored
from harness.reproduction.work import Work
from harness.reproduction.work_folder import WorkFolder

_WORK = flags.DEFINE_string("work", "runs/reproduction", "folder of models, states and answers")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "the pretrained 6-layer English encoder (a Hugging Face directory)"
)
_CHINESE = flags.DEFINE_string("chinese", None, "the Chinese encoder that benchmarks/chinese_backbone.py pretrains")
_TASK = flags.DEFINE_multi_enum("task", list(TASKS), list(TASKS), "tasks")
_KIND = flags.DEFINE_multi_string("kind", None, "kinds of parts, as --list names them behind the slash; all by default")
_LIST = flags.DEFINE_boolean("list", False, "print the parts, in their order, with their times, and do nothing")
_RENDER = flags.DEFINE_boolean("render", False, "write docs/reproduction.md and its figures from the stored results")


def asked() -> list[Part]:
    """Returns the parts that the flags name, in their order.

    Raises:
        UsageError: there is none of some kind.
    """
    unknown = set(_KIND.value or ()) - {part.kind for part in parts()}
    if unknown:
        raise app.UsageError(f"there is no part of the kind {sorted(unknown)[0]}; --list names them")
    return [part for part in parts() if part.task in _TASK.value and part.kind in (_KIND.value or (part.kind,))]


def main(_: list[str]) -> None:
    wanted = asked()
    folders = {ENGLISH: _CHECKPOINT.value, CHINESE: _CHINESE.value}
    folder = WorkFolder(Path(_WORK.value))
    work = Work(folder, {language: Path(given) if given else None for language, given in folders.items()})
    if _LIST.value:
        for part in wanted:
            print(f"{part.name:32} {part.minutes:6.0f} minutes{', done' if folder.is_done(part) else ''}")
        print(f"{sum(part.minutes for part in wanted) / 60:.1f} hours in all")
    elif _RENDER.value:
        bring_up_to_date(folder, TASKS)
        summaries = stored()
        draw(summaries)
        PAGE.write_text(page(summaries), encoding="utf-8")
    else:
        try:
            make(work, wanted)
        except ValueError as error:
            raise app.UsageError(str(error)) from error


if __name__ == "__main__":
    app.run(main)
