"""The page: one file with the dashboard and the details of all models."""
