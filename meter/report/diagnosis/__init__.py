"""The diagnosis of a run, told: why it repeats itself, and whether it uses its picture."""
