"""What models are made of: the annotations of ``dvc.yaml`` and ``artifacts.yaml`` (F24)."""
