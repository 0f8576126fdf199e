"""The options of a batch's member."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.queries import Label
from app.jobs.admission import Options
from app.tasks.declaration import MAX_ATTEMPTS

MOST_LABELS = 20


class MemberOptions(BaseModel):
    """The options of a member, as they are query parameters of a single submission."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    priority: int = Field(default=0, ge=-100, le=100, description="higher goes first")
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="seconds an attempt may run; left out: the task's own, else the server's"
    )
    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = Field(
        default=None, description="attempts in all, where the worker dies"
    )
    memory_mb: Annotated[int, Field(ge=16)] | None = Field(
        default=None, description="MiB of memory; left out: the task's own, else the server's"
    )
    labels: list[Label] = Field(default=[], max_length=MOST_LABELS, description="words to find the job by")

    def options(self) -> Options:
        """As the jobs know them."""
        return Options(
            priority=self.priority,
            timeout_s=self.timeout_s,
            max_attempts=self.max_attempts,
            memory_mb=self.memory_mb,
            labels=tuple(self.labels),
        )
