"""What training does for a call: the use cases between servicer and ports."""
