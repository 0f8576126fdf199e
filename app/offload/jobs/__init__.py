"""What a job is and what happens to it. Knows neither FastAPI nor multiprocessing."""
