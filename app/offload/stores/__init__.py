"""The stores of the server: the journal, the board, and the directories of results, logs and uploads."""
