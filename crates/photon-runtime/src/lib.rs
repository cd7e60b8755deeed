//! Home-pinned stackful coroutines: the runtime of the Photon web framework.
