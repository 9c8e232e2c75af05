"""Studies of length generalisation on RASP-L tasks."""
