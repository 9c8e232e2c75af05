"""How studies are run: configuration, the lanes that train, evaluation, records, and their reproduction."""
