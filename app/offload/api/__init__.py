"""HTTP only: routes, views and problems. Decides nothing about jobs.

While the app runs, its lifespan's state is `{"offload": AppState(...)}`.
"""
