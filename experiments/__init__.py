"""How studies are run: configuration, the lanes that train, evaluation, records, and their reproduction."""

from experiments import modules, streams

streams.reserve()  # before anything opens a file
modules.check_place()  # before anything is imported from the wrong place
