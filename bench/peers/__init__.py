"""Other queues behind the same thin HTTP app, each in an environment of its own: `python -m bench.peers` makes them."""
