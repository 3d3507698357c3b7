"""The page: one HTML file with the dashboard and the details of all models."""
