from __future__ import annotations

import os
import socket

import pytest

from worker.channel import receive, receive_with_files, send, send_with_files


def test_descriptors_and_bytes_arrive_together_and_in_full() -> None:
    ours, theirs = socket.socketpair()
    readable, writable = os.pipe()
    send_with_files(ours, [writable], b"head", b"body")
    head, (file,) = receive_with_files(theirs, 4, 1)
    assert head == b"head"
    assert receive(theirs.fileno(), 4) == b"body"
    os.write(file, b"x")
    assert os.read(readable, 1) == b"x"
    for number in (file, readable, writable):
        os.close(number)


def test_a_closed_channel_is_an_error_on_both_sides() -> None:
    ours, theirs = socket.socketpair()
    send(theirs.fileno(), b"ab")
    theirs.close()
    with pytest.raises(EOFError):
        receive(ours.fileno(), 3)
    with pytest.raises(EOFError):
        receive_with_files(ours, 3, 1)
    with pytest.raises(ConnectionError):
        send(ours.fileno(), b"c")
