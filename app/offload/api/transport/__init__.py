"""HTTP below the routes: the connection, the key, heads and bodies, streams, the fast path."""
