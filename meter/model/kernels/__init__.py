"""The same arithmetic, faster: each kernel is tested against its plain twin."""
