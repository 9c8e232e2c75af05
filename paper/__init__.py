"""The results: claims, their criteria, recorded results, tables and figures; nothing here trains."""
