"""HTTP only: routes, views and problems. Decides nothing about jobs.

`routes.add_routes(app, registry, settings)` gives an app made with `FastAPI(docs_url=None, redoc_url=None)` every route,
problem handler and its OpenAPI. While it runs, its lifespan state is `{"offload": AppState(...)}`.
"""
