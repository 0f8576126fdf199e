"""HTTP only: routes, views and problems. Decides nothing about jobs."""
