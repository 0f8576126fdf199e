"""Arguments and options that several commands share."""

from functools import partial
from typing import Annotated

import typer

from offload.commands.arguments.completion import batch_ids, job_ids, task_names
from offload.commands.arguments.submit_options import typer_option
from offload.options import OPTIONS


def identifier(name: str) -> str:
    """Returns an id or name unchanged. Raises `typer.BadParameter` for dots alone, which lead to another API path."""
    if not name.strip("."):
        raise typer.BadParameter(f"{name!r} is not a valid name or id.")
    return name


flag = partial(typer.Option, metavar="")
"""An option without a value; its help shows no type."""

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id.", parser=identifier, autocompletion=job_ids)]
JobIds = Annotated[
    list[str], typer.Argument(metavar="ID", help="The jobs' ids.", parser=identifier, autocompletion=job_ids)
]
TaskName = Annotated[
    str, typer.Argument(metavar="TASK", help="The task's name.", parser=identifier, autocompletion=task_names)
]
BatchId = Annotated[
    str, typer.Argument(metavar="ID", help="The batch's id.", parser=identifier, autocompletion=batch_ids)
]

Labels = Annotated[list[str] | None, typer_option(OPTIONS["labels"])]
Wait = Annotated[bool, flag("--wait", help="Wait until it has finished.")]
AsJson = Annotated[bool, flag("--json", help="Print the API's JSON, one object per line.")]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="Maximum number of entries.")]
