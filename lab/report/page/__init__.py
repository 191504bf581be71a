"""A run's page: one HTML file with its timeline, that opens from disk and asks nothing of any network."""
