"""Everything that only file digests need: the task, algorithms, manifests, reports, patterns and the directory walk."""
