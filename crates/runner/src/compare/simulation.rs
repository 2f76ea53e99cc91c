//! How often a check is wrong, simulated. `docs/statistics.md` states these bounds.
