//! What this machine lets one process have: memory maps for stacks, descriptors for connections.

use std::fs;

/// Maps that allocators, threads and libraries may add while the process runs.
const SPARE_MAPS: usize = 2048;
/// Descriptors that are not for connections, if there are many enough.
const SPARE_FILES: usize = 128;
/// What the kernel allows if it does not say.
const USUAL_MAX_MAPS: usize = 65_530;
/// Two maps per coroutine: its stack and the guard page below.
const MAPS_PER_COROUTINE: usize = 2;

/// Limits, read once at start-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) coroutines: usize,
    pub(crate) connections: usize,
}

impl Limits {
    pub(crate) fn measure(open_files: usize, pooled_stacks: usize, followers: usize) -> Limits {
        let max_maps = fs::read_to_string("/proc/sys/vm/max_map_count").ok();
        let max_maps = max_maps.and_then(|text| text.trim().parse().ok()).unwrap_or(USUAL_MAX_MAPS);
        let maps = fs::read_to_string("/proc/self/maps").map_or(0, |text| text.lines().count());
        // The pool's stacks exist already and are counted in `maps`, but they are handed out as well.
        let maps = maps.saturating_sub(pooled_stacks * MAPS_PER_COROUTINE);
        Limits::derive(max_maps, maps, open_files, pooled_stacks + followers)
    }

    fn derive(max_maps: usize, maps: usize, open_files: usize, uncounted: usize) -> Limits {
        // A finished coroutine's stack may wait in the pool while as many new ones are mapped, and so may a follower.
        let reserved = maps + SPARE_MAPS.min(max_maps / 4) + uncounted * MAPS_PER_COROUTINE;
        let coroutines = (max_maps.saturating_sub(reserved) / MAPS_PER_COROUTINE).max(64);
        // What is left is for files, databases, listeners and those who are being turned away.
        let spare_files = (open_files / 16).max(SPARE_FILES.min(open_files / 2));
        Limits { coroutines, connections: (open_files - spare_files).max(16) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_leave_room() {
        let limits = Limits::derive(65_530, 100, 1_048_576, 256);
        assert!((31_000..32_000).contains(&limits.coroutines), "{limits:?}");
        assert_eq!(limits.connections, 1_048_576 / 16 * 15);
        // Few open files bound the connections alone.
        let few = Limits::derive(65_530, 100, 1024, 256);
        assert_eq!((few.coroutines, few.connections), (limits.coroutines, 896));
        assert_eq!(Limits::derive(65_530, 100, 150, 256).connections, 75);
        // Absurdly small machines still serve a little.
        assert_eq!(Limits::derive(0, 0, 0, 256), Limits { coroutines: 64, connections: 16 });
    }

    #[test]
    fn this_machine_has_limits() {
        let limits = Limits::measure(4096, 0, 0);
        assert!(limits.coroutines >= 64 && limits.connections <= 4096);
    }
}
