"""headcheck: auto-graded exercises on attention, with graders that are themselves proven."""

__version__ = "0.1.0"
