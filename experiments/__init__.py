"""How studies are run: configuration, the lanes that train, evaluation, records, and their reproduction."""

from experiments import streams

streams.reserve()  # before anything opens a file
