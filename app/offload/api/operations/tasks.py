"""`GET /tasks`."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from offload.api.contract.openapi import problems
from offload.api.jobs.submit import task_not_found
from offload.api.state import AppState, State
from offload.errors import TaskNotFoundError
from offload.jobs.acceptance.submission import DEFAULT_MAX_ATTEMPTS
from offload.tasks.definition import Task

router = APIRouter(tags=["tasks"])


class LimitsView(BaseModel):
    """Default limits of a job of this task."""

    timeout_s: float
    memory_mb: int
    max_attempts: int


class TaskView(BaseModel):
    """A task."""

    name: str
    summary: str
    description: str
    params: dict[str, Any] = Field(description="JSON Schema of the parameters")
    result: dict[str, Any] = Field(description="JSON Schema of the result")
    limits: LimitsView
    example: dict[str, Any] | None = Field(description="valid parameters; null if none are known")


class TasksView(BaseModel):
    """All tasks."""

    tasks: list[TaskView]


@router.get("/tasks", operation_id="list_tasks", summary="List the tasks", responses=problems())
async def list_tasks(state: State) -> TasksView:
    """Returns every registered task, the built-in ones first."""
    return TasksView(tasks=[_view(task, state) for task in state.registry.values()])


@router.get("/tasks/{task}", operation_id="get_task", summary="Get a task", responses=problems(TaskNotFoundError))
async def get_task(state: State, task: str) -> TaskView:
    """Returns one task, with the schemas of its parameters and result."""
    if task not in state.registry:
        raise task_not_found(state.registry, task)
    return _view(state.registry[task], state)


def _view(task: Task, state: AppState) -> TaskView:
    settings = state.settings
    limits = task.limits
    return TaskView(
        name=task.name,
        summary=task.summary,
        description=task.description,
        params=task.params_schema,
        result=task.result.schema,
        limits=LimitsView(
            timeout_s=limits.timeout_s or settings.default_timeout_s,
            memory_mb=limits.memory_mb or settings.memory_mb,
            max_attempts=limits.max_attempts or DEFAULT_MAX_ATTEMPTS,
        ),
        example=task.example or None,
    )
