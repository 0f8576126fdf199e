"""What commands write on a terminal or into a pipe: tables, progress bars, jobs and batches."""
