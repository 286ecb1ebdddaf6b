"""Each part of METER beside a plain reference that is written here, timed in turn on the same machine."""
