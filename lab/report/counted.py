"""What the kernel counted between two moments."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from lab.report.ink import Line, Role, Span, line, pad, pad_left

_INDENT = 2
_GAP = 3


def draw(host: str, counters: Sequence[tuple[str, int, int]]) -> list[Line]:
    """Return the host and the command that shows them, then each counter's name with its value before and after."""
    names = max((cell_len(name) for name, _, _ in counters), default=0) + _GAP
    widths = [max((len(str(one[at])) for one in counters), default=0) for at in (1, 2)]
    lines = [line(Span(host, Role.HOST), Span("   nstat -asz", Role.DIM))]
    for name, before, after in counters:
        last = Span(pad_left(str(after), widths[1]), Role.NEW if after != before else Role.PLAIN)
        lines.append(line(" " * _INDENT, pad(name, names), pad_left(str(before), widths[0]), " → ", last))
    return lines
