"""`GET /problems/{type}`: a page for each type of problem, from the docstring of its class."""

import inspect
import re
from collections.abc import Iterator
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from offload import errors
from offload.api.contract.addresses import address
from offload.api.contract.failures import EXPLANATIONS
from offload.errors import NotFoundError, ProblemError

router = APIRouter(include_in_schema=False)


def _classes() -> list[type[ProblemError]]:
    """Returns the classes that have a type of their own."""
    found = [
        member
        for _, member in inspect.getmembers(errors, inspect.isclass)
        if issubclass(member, ProblemError) and member is not ProblemError
    ]
    return sorted(found, key=lambda error: (error.status, error.type))


def _texts(type_: str) -> Iterator[tuple[str, str]]:
    """Yields headings and texts about a type, which may be a problem of a request, of a job, or both."""
    for error in _classes():
        if error.type == type_:
            yield f"{error.status} {error.title}", inspect.cleandoc(error.__doc__ or "")
    for kind, text in EXPLANATIONS.items():
        if kind.value == type_:
            yield f"A job failed: {text.title}", f"{text.what}\n\n{text.remedy}"


def types() -> list[str]:
    """Returns every type that has a page."""
    return list(dict.fromkeys([*(error.type for error in _classes()), *(kind.value for kind in EXPLANATIONS)]))


@router.get("/problems")
async def list_problems() -> HTMLResponse:
    """All types of problems."""
    items = "".join(f'<li><a href="{address("/problems")}/{name}">{name}</a></li>' for name in types())
    return _page(
        "Problems", f"<h1>Problems</h1><p>Every type of problem that this service reports.</p><ul>{items}</ul>"
    )


@router.get("/problems/{name}")
async def show_problem(name: str) -> HTMLResponse:
    """One type of problem."""
    sections = "".join(f"<h2>{escape(heading)}</h2>{_paragraphs(text)}" for heading, text in _texts(name))
    if not sections:
        raise NotFoundError(f"There is no problem type {name[:100]!r}. See GET /problems.")
    return _page(name, f'<h1>{escape(name)}</h1>{sections}<p><a href="{address("/problems")}">All problems</a></p>')


def _paragraphs(text: str) -> str:
    paragraphs = "".join(f"<p>{escape(' '.join(paragraph.split()))}</p>" for paragraph in text.split("\n\n"))
    return re.sub("`([^`]{1,200}+)`", r"<code>\1</code>", paragraphs)


def _page(title: str, body: str) -> HTMLResponse:
    icon = f'<link rel="icon" href="{address("/docs/swagger-ui/favicon-32x32.png")}">'
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>{icon}'
    )
    return HTMLResponse(f'<!doctype html><html lang="en"><head>{head}</head><body><main>{body}</main></body></html>')
