"""From the queue to a recorded end: the queue, the dispatcher and what it writes."""
