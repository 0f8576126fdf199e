"""What every route shares with its clients: problems, queries, request headers, times, the OpenAPI document."""
