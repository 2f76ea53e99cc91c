//! Writes `dist-v2/manifest.json`.
