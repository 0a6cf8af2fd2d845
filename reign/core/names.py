"""Readable names for runs: ``brave-otter-17``. Easy to say on the phone, long enough not to meet often."""

from __future__ import annotations

import random

_ADJECTIVES = """
able amber ample azure bold brave brisk calm civil clear clever cosy crisp daring deft eager early fair fine
firm fleet fond frank fresh gentle glad golden grand happy hardy honest humble jolly keen kind lively loyal
lucid lucky mellow merry mild neat nimble noble patient plain polite prime proud quick quiet rapid ready royal
sharp silver smart snug solid sound spry steady still sunny sure swift tidy true vivid warm wise witty zesty
""".split()  # noqa: SIM905

_NOUNS = """
acorn anchor aspen badger beacon birch bison bridge brook canyon cedar comet coral crane creek dune eagle
ember falcon fern finch fjord forest fox garnet glade grove harbor hawk heron hill island jasper lagoon lake
lark lynx maple marten meadow mesa moose oak ocean orca osprey otter owl panda pebble pine plover quartz
rapids raven reef ridge river robin sable sequoia shore sparrow spruce stone summit swan thistle tiger trail
tulip valley walnut willow wren
""".split()  # noqa: SIM905


def run_name(source: random.Random | None = None) -> str:
    """A name out of about six hundred thousand; the store refuses one that is taken."""
    pick = source or random.SystemRandom()
    return f"{pick.choice(_ADJECTIVES)}-{pick.choice(_NOUNS)}-{pick.randint(10, 99)}"
