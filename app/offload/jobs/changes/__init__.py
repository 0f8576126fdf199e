"""Who learns of a change of a job or batch, and when."""
