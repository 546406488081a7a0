"""The formats: one file each, all fed by the same sections."""
