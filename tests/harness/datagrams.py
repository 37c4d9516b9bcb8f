"""A server of datagrams for an image that has none: busybox answers on TCP only."""

from __future__ import annotations

import struct


def datagram_echo() -> bytes:
    """Return an x86_64 program for Linux that sends back every datagram that comes to UDP port 7."""
    receive = (
        "41c744241010000000"  # at r12+16: the size of the address, 16
        "89df 498d742420 ba00080000 4531d2 4d89e0 4d8d4c2410 6a2d58 0f05"  # recvfrom(s, r12+32, 2048, 0, r12, r12+16)
    )
    send = "89c2 89df 498d742420 4531d2 4d89e0 6a104159 6a2c58 0f05"  # sendto(s, r12+32, eax, 0, r12, 16)
    begin = (
        "6a2958 6a025f 6a025e 31d2 0f05 89c3"  # ebx = socket(AF_INET, SOCK_DGRAM, 0)
        "4881ec00100000 4989e4"  # r12 = 4096 bytes of the stack
        "41c7042402000007 41c744240400000000"  # there: the address 0.0.0.0, port 7
        "89df 4c89e6 6a105a 6a3158 0f05"  # bind(s, r12, 16)
    )
    loop = bytes.fromhex(receive + send)
    code = bytes.fromhex(begin) + loop + b"\xe9" + struct.pack("<i", -len(loop) - 5)
    base, head = 0x400000, 64 + 56
    size = head + len(code)
    elf = (
        b"\x7fELF\2\1\1"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + head, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    )
    return elf + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000) + code
