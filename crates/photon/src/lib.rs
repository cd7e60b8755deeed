//! A web framework with typed, validated, documented handlers in plain blocking code.
