"""`/batches`: jobs that are accepted, counted and cancelled together."""
