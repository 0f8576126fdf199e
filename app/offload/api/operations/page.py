"""`GET /`: the page, and its files."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from offload.api.contract.addresses import PREFIX

PAGE = Path(__file__).parents[2] / "web" / "page"

IMMUTABLE = "public, max-age=31536000, immutable"


@cache
def version() -> str:
    """Returns a hash of all files of the page."""
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(PAGE.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(PAGE)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


@cache
def index() -> str:
    """Returns the page. It refers to its files by version, and preloads every module.

    `%PREFIX%` stands for the path below which the service is mounted.
    """
    here = f"%PREFIX%/page/{version()}/"
    modules = "".join(
        f'<link rel="modulepreload" href="{here}{file.relative_to(PAGE)}" />\n' for file in sorted(PAGE.rglob("*.js"))
    )
    text = (PAGE / "index.html").read_text().replace('href="/', 'href="%PREFIX%/').replace('src="/', 'src="%PREFIX%/')
    return text.replace("%PREFIX%/page/", here).replace("</head>", f"{modules}</head>")


class Versioned(StaticFiles):
    """Files below their version. A browser may cache them permanently, and never mixes two versions."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Returns the file, or 404 for another version."""
        if scope["path_params"]["version"] != version():
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = IMMUTABLE
        return response


def add_page(app: FastAPI) -> None:
    """Adds the page and its files."""

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(index().replace("%PREFIX%", PREFIX.get()), headers={"Cache-Control": "no-cache"})

    app.mount("/page/{version}", Versioned(directory=PAGE))
