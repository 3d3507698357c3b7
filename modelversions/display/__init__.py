"""Display values: tables as text, HTML for notebooks and pages, and a form.

This package is private.
"""
