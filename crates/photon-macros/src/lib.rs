//! Route attributes and models of the Photon web framework.
