"""`/uploads`: files that clients send for jobs to read."""
