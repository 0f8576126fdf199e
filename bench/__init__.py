"""Measurements of the service beside others, in ratios within one run. `make bench` runs them."""
