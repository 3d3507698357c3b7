"""Annotations of models in ``dvc.yaml`` and ``artifacts.yaml`` (F24), and files of commits.

This package is private. Import its public names from ``modelversions``.
"""
