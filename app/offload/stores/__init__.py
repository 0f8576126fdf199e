"""Where things are remembered: the journal, the board, result files and uploads."""
