"""Tests of catalogs."""
