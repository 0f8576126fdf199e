"""The routes that only file digests have: uploads with a job, patterns, manifests and reports."""
