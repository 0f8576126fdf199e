"""Notifies those that follow a job, a batch or all jobs."""
