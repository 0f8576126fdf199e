"""`GET /docs`: Swagger UI, served without any other host and without inline scripts."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from offload.api.contract.addresses import address

WEB = Path(__file__).parents[2] / "web"

MAX_AGE_S = 3600


class CachedFiles(StaticFiles):
    """Files that a browser may cache for an hour; then it revalidates them by `ETag`."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Returns the file, or Starlette's 404."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
        return response


def add_docs(app: FastAPI) -> None:
    """Adds Swagger UI and its files."""

    @app.get("/docs", include_in_schema=False)
    @app.get("/docs/", include_in_schema=False)
    async def docs() -> Response:
        html = (WEB / "docs" / "index.html").read_text().replace('"/docs/', f'"{address("/docs")}/')
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    app.mount("/docs/swagger-ui", CachedFiles(directory=WEB / "swagger-ui"))
    app.mount("/docs", CachedFiles(directory=WEB / "docs"))
