"""`GET /stats/history`: the jobs that finished in each of the last minutes."""

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
    """Query parameters of `GET /stats/history`."""

    model_config = ConfigDict(extra="forbid")

    minutes: Annotated[int, Field(ge=1, le=1440), BeforeValidator(whole)] = 60


class PointView(BaseModel):
    """The jobs that finished in one time step; durations in seconds."""

    at: AwareDatetime = Field(description="start of the step")
    succeeded: int
    failed: int
    cancelled: int
    run_s_p50: float | None = Field(description="of succeeded jobs")
    run_s_p95: float | None
    wait_s_p50: float | None = Field(description="from acceptance to the start of the attempt")


class HistoryView(BaseModel):
    """Time steps, oldest first. The last one is still in progress."""

    step_s: int = Field(description="seconds from one point to the next")
    from_: AwareDatetime = Field(alias="from")
    points: list[PointView]


@router.get(
    "/stats/history",
    dependencies=[strictly(HistoryQuery)],
    operation_id="stats_history",
    summary="Finished jobs over time",
    response_model=HistoryView,
    responses=problems(InvalidParametersError, StorageFailedError),
)
async def stats_history(state: State, caller: Caller, query: Annotated[HistoryQuery, Query()]) -> Response:
    """Counts and durations of the jobs that finished in each of the last minutes and that the caller may see.

    The data comes from the journal, so restarts do not affect it. If more than about 500 jobs finished in a minute, its
    percentiles are computed from a sample of that size. Deleted jobs may still be counted.
    """
    minutes = await state.history.last(caller.only, query.minutes)
    points = [{**asdict(minute), "at": times.written(minute.at)} for minute in minutes]
    history = {"step_s": MINUTE // 1_000_000, "from": points[0]["at"], "points": points}
    return BytesResponse(200, as_json(history).encode(), JSON, LIVE)
