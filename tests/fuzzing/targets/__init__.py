"""One module for each fuzzer, with ``MODULES``, ``seeds()`` and ``check(data)``."""
