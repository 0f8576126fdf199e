"""`GET /docs`: Swagger UI, with every file from here and no script in the page."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB = Path(__file__).parents[2] / "web"

MAX_AGE_S = 3600


class CachedFiles(StaticFiles):
    """Files that a browser may keep for an hour before it asks, by their `ETag`, whether they have changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or Starlette's 404."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
        return response


def add_docs(app: FastAPI) -> None:
    """Adds the page and its files."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return FileResponse(WEB / "docs" / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/docs/swagger-ui", CachedFiles(directory=WEB / "swagger-ui"))
    app.mount("/docs", CachedFiles(directory=WEB / "docs", html=True))
