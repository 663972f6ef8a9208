"""The training service: model customisation jobs."""
