"""How results are judged: criteria, statistics, results tables, figures."""
