"""What tasks share in the process of their lane, and how it is restored after each attempt."""
