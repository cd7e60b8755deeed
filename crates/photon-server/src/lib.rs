//! The HTTP server of the Photon web framework: listener, connections, limits, drain.
