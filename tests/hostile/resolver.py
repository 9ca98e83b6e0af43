# SPDX-License-Identifier: Apache-2.0
"""A name server for one test: what a name is called decides how it is answered.

nothing.* does not exist, broken.* makes the server fail, silent.* is not answered.
"""
import socket
import struct
import sys

CODES = {b"nothing": 3, b"broken": 2}


def answer(query):
    """The answer to a query, or None."""
    first = query[13:13 + query[12]].lower()
    if first == b"silent":
        return None
    flags = 0x8180 | CODES.get(first, 3)
    return query[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + query[12:]


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 53))
        print("ready", flush=True)
        while True:
            query, peer = udp.recvfrom(4096)
            print(query[13:13 + query[12]].decode(errors="replace"), file=sys.stderr, flush=True)
            reply = answer(query)
            if reply:
                # Additional records (EDNS) were not asked for by this answer's counts.
                end = query.index(b"\0", 12) + 5
                udp.sendto(reply[:end], peer)


if __name__ == "__main__":
    main()
