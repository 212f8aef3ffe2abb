"""What can go wrong, in one line each."""


class DataError(ValueError):
    """The data given cannot be used: a column is missing, a label unknown, a file empty."""


class ModelFileError(ValueError):
    """The model folder does not hold what is asked of it: wrong kind, shape, version or digest."""
