//! Reads and writes `lua.skill.yaml`.
