"""Files that one recipient alone can open: age and AES in a ZIP, by libraries; no cryptography of our own."""
