"""Length generalisation after arXiv 2310.16028: the tasks, and the RASP-L language, which predicts the easy ones."""
