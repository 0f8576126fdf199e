"""`/jobs`: submit, get, list, wait for, follow, cancel and delete jobs."""
