# SPDX-License-Identifier: MIT
"""The command ./starina, a client of the system's API (docs/api.md)."""
