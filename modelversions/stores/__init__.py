"""Where tags are kept: the one package that knows Git, behind the interface in ``base``."""
