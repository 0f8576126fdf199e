"""What ended in each of the last minutes."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from offload.api.contract import times
from offload.api.contract.openapi import problems
from offload.api.contract.queries import strictly, whole
from offload.api.jobs.responses import JSON, LIVE
from offload.api.jobs.views import as_json
from offload.api.state import Caller, State
from offload.api.transport.fast_path import BytesResponse
from offload.errors import InvalidParametersError, StorageFailedError
from offload.jobs.history import MINUTE

router = APIRouter(tags=["service"])


class HistoryQuery(BaseModel):
    """How far back."""

    model_config = ConfigDict(extra="forbid")

    minutes: Annotated[int, Field(ge=1, le=1440), BeforeValidator(whole)] = 60


class PointView(BaseModel):
    """The jobs that ended in one step of time; durations in seconds."""

    at: AwareDatetime = Field(description="when it began")
    succeeded: int
    failed: int
    cancelled: int
    run_s_p50: float | None = Field(description="of those that succeeded")
    run_s_p95: float | None
    wait_s_p50: float | None = Field(description="from acceptance to the start")


class HistoryView(BaseModel):
    """The last minutes, oldest first; the last one is not over yet."""

    step_s: int = Field(description="seconds from one point to the next")
    from_: AwareDatetime = Field(alias="from")
    points: list[PointView]


@router.get(
    "/stats/history",
    dependencies=[strictly(HistoryQuery)],
    operation_id="stats_history",
    summary="What has it done?",
    response_model=HistoryView,
    responses=problems(InvalidParametersError, StorageFailedError),
)
async def stats_history(state: State, caller: Caller, query: Annotated[HistoryQuery, Query()]) -> Response:
    """How many of the jobs that the caller may see ended in each of the last minutes, and how long they took.

    From the journal, so a restart loses none. Percentiles are of some 500 jobs a minute where there are more. Jobs that
    were deleted or forgotten since may still be counted.
    """
    minutes = await state.history.last(caller.only, query.minutes)
    points = [{**asdict(minute), "at": times.written(minute.at)} for minute in minutes]
    history = {"step_s": MINUTE // 1_000_000, "from": points[0]["at"], "points": points}
    return BytesResponse(200, as_json(history).encode(), JSON, LIVE)
