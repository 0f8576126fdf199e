"""All routes of the service."""

from functools import partial

from fastapi import FastAPI

from offload.api.batches import routes as batches
from offload.api.contract import problem_pages, problems
from offload.api.contract.openapi import describe
from offload.api.digests import batches as file_batches
from offload.api.digests import manifests
from offload.api.digests.upload import add_upload_submit_route
from offload.api.files import uploads
from offload.api.jobs import events, logs, results
from offload.api.jobs import routes as jobs
from offload.api.jobs.submit import add_submit_routes
from offload.api.operations import events as all_events
from offload.api.operations import health as service
from offload.api.operations import history, metrics, tasks
from offload.api.operations.docs import add_docs
from offload.api.operations.page import add_page
from offload.api.transport.authentication import Authentication
from offload.api.transport.fast_path import FastPath, FastRoute
from offload.api.transport.head_requests import HeadAsGet
from offload.api.transport.interrupted import InterruptedRequests
from offload.api.transport.prefix import BelowPrefix
from offload.api.transport.security_headers import SecurityHeaders
from offload.api.transport.unread_body import UnreadBody
from offload.server.settings import Settings
from offload.tasks.registry import Registry


def add_routes(app: FastAPI, registry: Registry, settings: Settings) -> None:
    """Adds every route, the problem handlers, the middleware and the OpenAPI document to an application."""
    app.router.redirect_slashes = False  # such a redirect uses the Host header, which the client chooses
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
    fast = [route for route in app.router.routes if isinstance(route, FastRoute)]
    # The last one is outermost.
    for middleware in (Authentication, HeadAsGet, UnreadBody, InterruptedRequests, SecurityHeaders):
        app.add_middleware(middleware)
    app.add_middleware(FastPath, routes=fast, max_body_bytes=settings.body_max_kb * 1024)
    app.add_middleware(BelowPrefix, root_path=settings.root_path)
    app.openapi = partial(describe, app, settings, registry)  # type: ignore[method-assign]  # the way that FastAPI documents
