"""`fastbert serve`."""

from __future__ import annotations

import argparse
import dataclasses

from fastbert_tf.cli.front_arguments import add_front_arguments, front_settings
from fastbert_tf.cli.options import boolean, given, refuse
from fastbert_tf.recipes.serve import ModelSettings, serve

_DEFAULTS = ModelSettings(model_base_path="")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments; those about models are `tensorflow_model_server`'s."""
    models = parser.add_argument_group("models")
    models.add_argument("--model_base_path", metavar="DIR", help="what `fastbert export` wrote")
    models.add_argument("--model_name", help=f"the name that requests carry (default: {_DEFAULTS.model_name})")
    models.add_argument("--model_config_file", metavar="FILE", help="or several models, as a ModelServerConfig")
    models.add_argument(
        "--model_config_file_poll_wait_seconds",
        type=float,
        metavar="S",
        help="time between two looks at that file (default: 0, which looks once)",
    )
    models.add_argument(
        "--file_system_poll_wait_seconds",
        type=float,
        default=_DEFAULTS.file_system_poll_wait_seconds,
        metavar="S",
        help="time between two looks for new versions; 0 looks once (default: %(default)s)",
    )
    models.add_argument(
        "--max_num_load_retries",
        type=int,
        default=_DEFAULTS.max_num_load_retries,
        metavar="N",
        help="attempts to load a version after the first that failed (default: %(default)s)",
    )
    models.add_argument(
        "--load_retry_interval_micros",
        type=int,
        default=_DEFAULTS.load_retry_interval_micros,
        metavar="US",
        help="microseconds between two attempts (default: %(default)s)",
    )
    models.add_argument(
        "--allow_version_labels_for_unavailable_models",
        type=boolean,
        nargs="?",
        const=True,
        default=False,
        help="let a new label name a version that is not available",
    )

    work = parser.add_argument_group("work")
    work.add_argument(
        "--enable_batching", type=boolean, nargs="?", const=True, default=False, help="let requests share batches"
    )
    work.add_argument("--batching_parameters_file", metavar="FILE", help="such as the export's batching_params.pbtxt")
    for name, what in (
        ("tensorflow_intra_op_parallelism", "threads of an op; 0 is one a processor"),
        (
            "tensorflow_inter_op_parallelism",
            "ops of a call at a time; 0 is one a processor, -1 runs a call on its own thread",
        ),
    ):
        default = getattr(_DEFAULTS, name)
        work.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{what} (default: %(default)s)")
    add_front_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Serves until SIGTERM or Ctrl-C."""
    if arguments.model_config_file is None:
        poll = ["model_config_file_poll_wait_seconds"]
        refuse(arguments, poll, "has no effect without --model_config_file; add that or drop this")
    else:
        refuse(arguments, ["model_name"], "has no effect beside --model_config_file, which has names; drop it")
    models = given(arguments, *(field.name for field in dataclasses.fields(ModelSettings)))
    serve(ModelSettings(**models), **front_settings(arguments))
