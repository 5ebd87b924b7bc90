"""The source package around the manifest: changelog, patches, README, vendor, git."""
