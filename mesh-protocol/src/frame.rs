//! Frame version 1: what travels between spools, around immutable event bytes.
