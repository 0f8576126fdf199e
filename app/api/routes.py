"""All routes of the service."""

from functools import partial

from fastapi import FastAPI

from app.api import (
    all_events,
    batches,
    events,
    file_batches,
    history,
    jobs,
    logs,
    manifests,
    metrics,
    problem_pages,
    problems,
    results,
    service,
    tasks,
    uploads,
)
from app.api.docs import add_docs
from app.api.gate import Gate
from app.api.heads import HeadAsGet
from app.api.lean import LeanRoute, ShortWay
from app.api.openapi import describe
from app.api.outlasting import StoppedMidway
from app.api.page import add_page
from app.api.safe_headers import SafeHeaders
from app.api.submit import add_submit_routes
from app.api.unread import UnreadBody
from app.api.upload_submit import add_upload_submit_route
from app.config import Settings
from app.tasks.registry import Registry


def add_routes(app: FastAPI, registry: Registry, settings: Settings) -> None:
    """Gives an app every route, problem handler and its OpenAPI document."""
    app.router.redirect_slashes = False  # such a redirect's address is made of the Host, which the client chooses
    jobs.add_poll_route(app)
    add_submit_routes(app, registry)
    for router in (
        jobs.router,
        results.router,
        events.router,
        logs.router,
        all_events.router,
        batches.router,
        file_batches.router,
        manifests.router,
        tasks.router,
        uploads.router,
        service.router,
        history.router,
        metrics.router,
        problem_pages.router,
    ):
        app.include_router(router)
    add_upload_submit_route(app, registry["file-digest"])
    add_page(app)
    add_docs(app)
    problems.install(app)
    lean = [route for route in app.router.routes if isinstance(route, LeanRoute)]
    # The last one is the outermost.
    for middleware in (Gate, HeadAsGet, UnreadBody, StoppedMidway, SafeHeaders):
        app.add_middleware(middleware)
    app.add_middleware(ShortWay, routes=lean, max_body_bytes=settings.body_max_kb * 1024)
    app.openapi = partial(describe, app, settings, registry)  # type: ignore[method-assign]  # the way that FastAPI documents
