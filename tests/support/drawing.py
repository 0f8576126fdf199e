"""Reads a drawing of states and arrows made of box-drawing characters, so that a test can compare it with the code.

A line leaves a word at its side or from a cell above or below it, may carry a label, may branch, and ends at an
arrowhead that points at a word.
"""

from collections.abc import Collection, Iterator

Cell = tuple[int, int]
"""Row and column."""

RIGHT, LEFT, UP, DOWN = (0, 1), (0, -1), (-1, 0), (1, 0)
LINES = {
    "─": {LEFT, RIGHT},
    "│": {UP, DOWN},
    "┌": {DOWN, RIGHT},
    "┐": {DOWN, LEFT},
    "└": {UP, RIGHT},
    "┘": {UP, LEFT},
    "├": {UP, DOWN, RIGHT},
    "┤": {UP, DOWN, LEFT},
    "┬": {LEFT, RIGHT, DOWN},
    "┴": {LEFT, RIGHT, UP},
}
HEADS = {"►": RIGHT, "◄": LEFT, "▲": UP, "▼": DOWN}


def arrows(drawing: str, words: Collection[str]) -> set[tuple[str, str]]:
    """Returns every (from, to) between these words. Raises ValueError for an arrow that points at none of them."""
    rows = drawing.splitlines()
    places = dict(_places(rows, words))
    found = set()
    for (row, column), word in places.items():
        for step in (RIGHT, LEFT, UP, DOWN):
            gap = 2 if step in (RIGHT, LEFT) else 1  # a line keeps one space from the word at its side
            for distance in range(1, gap + 1):
                start = (row + step[0] * distance, column + step[1] * distance)
                if start in places:
                    break
                if (-step[0], -step[1]) in LINES.get(_at(rows, start), set()):
                    found |= {(word, places[end]) for end in _ends(rows, start, step, places)}
                    break
    return found


def _places(rows: list[str], words: Collection[str]) -> Iterator[tuple[Cell, str]]:
    for row, line in enumerate(rows):
        column = 0
        for token in line.split(" "):
            if token in words:
                yield from (((row, column + offset), token) for offset in range(len(token)))
            column += len(token) + 1


def _at(rows: list[str], cell: Cell) -> str:
    row, column = cell
    return rows[row][column] if 0 <= row < len(rows) and 0 <= column < len(rows[row]) else " "


def _ends(rows: list[str], cell: Cell, step: Cell, places: dict[Cell, str]) -> Iterator[Cell]:
    """Returns the cells of words that the line through `cell`, entered in the direction of `step`, points at."""
    sign = _at(rows, cell)
    if sign in HEADS:
        pointed = [(cell[0] + step[0] * distance, cell[1] + step[1] * distance) for distance in (1, 2)]
        end = next((each for each in pointed if each in places), None)
        if HEADS[sign] != step or end is None:
            raise ValueError(f"the arrowhead at row {cell[0] + 1}, column {cell[1] + 1} points at no word")
        yield end
        return
    came_from = (-step[0], -step[1])
    # A label, such as "start" or "retry,", is part of the level line that carries it.
    level = LINES["─"] if step in (RIGHT, LEFT) and sign not in LINES and sign != " " else set()
    for way in LINES.get(sign, level) - {came_from}:
        yield from _ends(rows, (cell[0] + way[0], cell[1] + way[1]), way, places)
