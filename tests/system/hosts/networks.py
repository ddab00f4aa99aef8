"""A network of two machines, one of them in a namespace of its own, that loses packets as a test wishes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.system.programs import program
from tests.system.requirements import root

HERE, THERE = "198.18.213.1", "198.18.213.2"  # of a range that is for tests of networks (RFC 2544)


class Network:
    """`there` runs a program on the far machine. `HERE` is the near one's address."""

    def __init__(self) -> None:
        root()
        self._ip, self._nft = program("ip", "iproute2"), program("nft", "nftables")
        self._name = f"stylequeue-{os.getpid()}"
        self._near = f"sq{os.getpid()}"[:15]

    @property
    def there(self) -> tuple[str, ...]:
        return (self._ip, "netns", "exec", self._name)

    def up(self) -> None:
        self._run("netns", "add", self._name)
        peer = ("peer", "name", "far", "netns", self._name)
        self._run("link", "add", self._near, "type", "veth", *peer)
        self._run("addr", "add", f"{HERE}/30", "dev", self._near)
        self._run("link", "set", self._near, "up")
        self._run("-n", self._name, "addr", "add", f"{THERE}/30", "dev", "far")
        self._run("-n", self._name, "link", "set", "far", "up")
        self._run("-n", self._name, "link", "set", "lo", "up")

    def down(self) -> None:
        subprocess.run([self._ip, "netns", "delete", self._name], check=False)
        subprocess.run([self._ip, "link", "delete", self._near], check=False, stderr=subprocess.DEVNULL)

    def lose(self, percent: int) -> None:
        """Lose this share of all packets, at random, in both directions."""
        self._rule("input", f"numgen random mod 100 < {percent} drop")
        self._rule("output", f"numgen random mod 100 < {percent} drop")

    def lose_what_comes(self) -> None:
        """Lose what the far machine should hear; what it sends arrives."""
        self._rule("input", "iif far drop")

    def lose_what_goes(self) -> None:
        """Lose what the far machine sends; it hears everything."""
        self._rule("output", "oif far drop")

    def heal(self) -> None:
        self._filter("flush ruleset")

    def _rule(self, hook: str, rule: str) -> None:
        self._filter(
            "add table inet wire; "
            f"add chain inet wire {hook} {{ type filter hook {hook} priority 0; }}; "
            f"add rule inet wire {hook} {rule}"
        )

    def _filter(self, rules: str) -> None:
        subprocess.run([*self.there, self._nft, rules], check=True)

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._ip, *arguments], check=True)


@contextmanager
def network() -> Iterator[Network]:
    """Make a network until the block ends."""
    made = Network()
    try:
        made.up()
        yield made
    finally:
        made.down()
