"""What Halo can do: one file a verb, one line here to make it real. Help, parsers, the card gallery and the docs derive from these."""

from halo_engine.verb import Verbs
from halo_engine.verbs.book import Book
from halo_engine.verbs.cancel import Cancel
from halo_engine.verbs.order import Order
from halo_engine.verbs.reorder import Reorder

VERBS: Verbs = {verb.spec.name: verb for verb in (Order(), Reorder(), Cancel(), Book())}
