# SPDX-License-Identifier: Apache-2.0
"""A terminal as far as the tools use one: what is on its screen, whatever was sent to get it there.

It wraps and scrolls, and knows the sequences the tools may use: anything else is an error.
"""
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


class Screen:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines, self.row, self.column = [""], 0, 0
        self.gone = []  # what was scrolled off the top

    def feed(self, text):
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                match = SEQUENCE.match(text, at)
                assert match, repr(text[at:at + 20])
                self.control(match[2], match[1])
                at = match.end()
                continue
            self.put(text[at])
            at += 1

    def control(self, what, value):
        if what == "A":
            self.row = max(0, self.row - int(value or 1))
        elif what == "K":
            assert value in ("", "0")
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif what == "J":
            assert value in ("", "0")
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]
        else:
            assert what == "m", what

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.down()
        else:
            if self.column == self.columns:
                self.column = 0
                self.down()
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
            self.column += 1

    def down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")
        while len(self.lines) > self.rows:
            self.gone.append(self.lines.pop(0))
            self.row -= 1

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)


class Session:
    """A command on a terminal of its own."""

    def __init__(self, command, env, rows=24, columns=80):
        self.raw = ""
        self.screen = Screen(rows, columns)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(command[0], [str(part) for part in command], env)

    def resize(self, rows, columns):
        """The lines that are there stay as they are."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.rows, self.screen.columns = rows, columns

    def read(self, seconds):
        """False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.raw += data.decode(errors="replace")
        self.screen.feed(data.decode(errors="replace"))
        return bool(data)

    def wait_for(self, pattern, seconds=60):
        """Until the screen shows it."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.screen.text):
            assert time.monotonic() < end and self.read(1), self.screen.text

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self):
        """The command's exit status, as wait(2) has it."""
        while self.read(60):
            pass
        os.close(self.fd)
        return os.waitpid(self.pid, 0)[1]
