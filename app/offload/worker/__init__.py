"""What runs inside a lane's process. Imports `tasks` and nothing else of the service."""
