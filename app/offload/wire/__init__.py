"""What the server and its child processes share: messages, pipes, the board, file names and process settings."""
