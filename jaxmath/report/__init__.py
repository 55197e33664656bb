"""What a person sees: plots, the report of a run as one page, its summary on a terminal."""
