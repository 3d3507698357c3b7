"""The form of a registry for notebooks, with widgets of ipywidgets (extra ``notebook``)."""
