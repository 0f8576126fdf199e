"""`offload digest`: digests of local files, computed by the service and printed as `sha256sum` prints them."""
