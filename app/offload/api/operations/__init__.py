"""How the service is doing: health, statistics, metrics, all events, tasks, the page and Swagger UI."""
