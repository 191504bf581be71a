"""What the tools wrote themselves, each a file of the run: captures, traces of calls, the kernel's own record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lab.kernel.calls import Call, Traced, parse_strace
from lab.kernel.reading import read_kernel_trace
from lab.kernel.trace import KernelTrace
from lab.wire.capture import Capture
from lab.wire.conversation import Conversation
from lab.wire.packet import Buffer
from lab.wire.reading import read_capture, read_conversations


@dataclass(frozen=True)
class Trace:
    """The system calls of the program that was started as `pid`, and of its children, as `strace` printed them.

    `file` is its place in the run's folder; `command` is how it was started.
    """

    host: str
    pid: int
    command: str
    text: str
    file: str
    cut: bool = False
    """Whether its end is not there: there was too much of it, or strace did not come to an end."""

    @cached_property
    def traced(self) -> Traced:
        """What it says; StraceParseError (an EvidenceError) names the line that cannot be read."""
        return parse_strace(self.text, where=self.file)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The system calls in the order in which they began."""
        return self.traced.calls


@dataclass(frozen=True)
class CaptureRecord:
    """A host's capture and what tcpdump said of it when it ended; `died` when it ended before it was told to.

    `content` are the bytes of its file, read or mapped, or, of a stream, what has been read of it so far; then there is
    no `file`.
    """

    host: str
    content: Buffer | Capture
    captured: int
    received: int
    dropped: int
    died: bool
    file: str

    @property
    def complete(self) -> bool:
        """Whether every packet that the filter received is in the file."""
        return not self.died and self.dropped == 0 and self.captured == self.received

    @property
    def data(self) -> Buffer:
        """The bytes of its file; a stream has none."""
        return b"" if isinstance(self.content, Capture) else self.content

    @cached_property
    def capture(self) -> Capture:
        """The parsed capture; CaptureError (an EvidenceError) names the packet that cannot be read."""
        return self.content if isinstance(self.content, Capture) else read_capture(self.content, where=self.file)

    @cached_property
    def conversations(self) -> tuple[Conversation, ...]:
        """The conversations in the order of their first segment."""
        return read_conversations(self.capture)


@dataclass(frozen=True)
class KernelRecord:
    """What the kernel's tracer told of the lab's sockets, as it stood in the ring buffers; `died` as for a capture.

    `content` are the bytes of its file, read or mapped (see lab/kernel/ring.py for the form), or, of a stream, what has
    been read of it so far; then `file` is empty.
    """

    content: Buffer | KernelTrace
    died: bool
    file: str

    @property
    def data(self) -> Buffer:
        """The bytes of its file; a stream has none."""
        return b"" if isinstance(self.content, KernelTrace) else self.content

    @cached_property
    def trace(self) -> KernelTrace:
        """What it says; TraceParseError (an EvidenceError) names the place that cannot be read."""
        if isinstance(self.content, KernelTrace):
            return self.content
        return read_kernel_trace(self.content, where=self.file)

    @property
    def complete(self) -> bool:
        """Whether no event was lost."""
        return not self.died and not self.trace.lost
