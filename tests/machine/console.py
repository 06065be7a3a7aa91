# SPDX-License-Identifier: GPL-2.0-only
"""Show a serial line to a person: the agent's own lines are not for them."""
from .boot import AGENT

MARK = AGENT.encode()


class Filter:
    """Passes bytes on at once, but for lines of the agent and all after its "log"."""

    def __init__(self):
        self.line = b""         # the present line as far as it came, if still undecided
        self.decided = False    # the present line is not the agent's
        self.closed = False

    def feed(self, data):
        out = bytearray()
        for i in range(len(data)):
            c = data[i:i + 1]
            if self.closed:
                break
            if self.decided:
                out += c
                self.decided = c != b"\n"
                continue
            self.line += c
            if self.line.startswith(MARK):
                if c == b"\n":
                    self.closed = self.line.split()[1] == b"log"
                    self.line = b""
            elif not MARK.startswith(self.line):
                out += self.line
                self.decided = c != b"\n"
                self.line = b""
        return bytes(out)
