"""Lanes on this machine: each is a process that can be killed and replaced without touching the others."""
