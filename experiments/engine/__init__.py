"""How a study is run: configuration, lanes, packs, records, launchers."""
