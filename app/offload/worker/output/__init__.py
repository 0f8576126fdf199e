"""Captures what tasks print and log."""
