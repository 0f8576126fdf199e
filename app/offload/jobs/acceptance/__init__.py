"""From a submission to a job: limits, room in the queue, idempotency."""
