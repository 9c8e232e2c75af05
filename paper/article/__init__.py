"""The write-up."""
