"""`/jobs`: submit, poll, list, wait, follow, cancel and delete jobs."""
