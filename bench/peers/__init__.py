"""Other queues behind the same thin HTTP app, each in its own environment, which `python -m bench.peers` makes."""
