"""What crosses the process line between the server and a lane, for both of its sides."""
