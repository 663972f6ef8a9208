"""What the edge does for a request: the use cases between the HTTP application and the ports."""
