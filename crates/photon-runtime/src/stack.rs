//! Giving back the memory of stacks that were once deep.
//!
//! A stack takes memory page by page as it grows, and keeps it as it shrinks. Most of a server's coroutines wait most of
//! their lives, near the top of a stack that some earlier call has made long.

use crate::coroutine::with_current;
use crate::overflow::StackBounds;

const PAGE: usize = 4096;

/// Room below the caller's frame for what runs while its stack is trimmed: three small frames and the red zone.
const MARGIN: usize = 1024;

/// Gives the memory of the calling coroutine's stack below the caller's frame back to the kernel. Does nothing on a
/// plain thread.
///
/// It costs a system call now and a page fault for each page that is used again: worth it before a long wait.
///
/// ```
/// fn deep(level: u32) -> u64 {
///     let frame = std::hint::black_box([1u64; 512]);
///     if level == 0 { frame[0] } else { frame[0] + deep(level - 1) }
/// }
/// let sum = photon_runtime::spawn(|| {
///     let first = deep(50);
///     photon_runtime::trim_stack();
///     first + deep(50)
/// });
/// assert_eq!(sum.join().unwrap(), 102);
/// ```
#[inline(never)]
pub fn trim_stack() {
    let anchor = 0u8;
    let here = (&raw const anchor).addr();
    with_current(|current| {
        if let Some(unused) = current.and_then(|coroutine| unused_below(here, coroutine.stack)) {
            // SAFETY: the pages lie within the calling coroutine's stack (see `unused_below`), which nobody else uses,
            // and below every frame of it: `MARGIN` is more than the frames of this function, its closure and the
            // system call's wrapper take together. Below them the stack holds no value of the program. Pages that are
            // touched again are zero-filled, as new ones are.
            unsafe { libc::madvise(unused.0 as *mut libc::c_void, unused.1 - unused.0, libc::MADV_DONTNEED) };
        }
    });
}

/// The whole pages of a stack that are not in use when the frame at `here` is the innermost one.
///
/// Where exactly the stack ends is not known: the top is at `start` or above, by a few frames. So the lower half is left
/// alone, which is more than that, and which hardly any stack ever reaches.
fn unused_below(here: usize, stack: StackBounds) -> Option<(usize, usize)> {
    let low = stack.start.checked_sub(stack.size / 2)?.next_multiple_of(PAGE);
    let high = here.checked_sub(MARGIN)? / PAGE * PAGE;
    (here <= stack.start && low < high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Settings, sleep, start};

    #[test]
    fn what_is_given_back_lies_below_the_frame_and_within_the_stack() {
        let stack = StackBounds { start: 0x10_0000, size: 0x4_0000 };
        assert_eq!(unused_below(0xf_fe00, stack), Some((0xe_0000, 0xf_f000)));
        // A frame in the lower half, at the border, and on no such stack.
        for here in [0xd_0000, 0xe_0000, 0xe_13ff, 0x10_0001, 0] {
            assert_eq!(unused_below(here, stack), None, "{here:#x}");
        }
    }

    /// Bytes of this process that are in memory, in the mapping around an address.
    fn resident_around(address: usize) -> u64 {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            if let Some((range, _)) = line.split_once(' ')
                && let Some((from, to)) = range.split_once('-')
                && let (Ok(from), Ok(to)) = (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16))
            {
                inside = (from..to).contains(&address);
            }
            if inside && let Some(size) = line.strip_prefix("Rss:") {
                return size.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024;
            }
        }
        panic!("no mapping holds {address:#x}");
    }

    #[inline(never)]
    fn deep(level: u32) -> u64 {
        let frame = std::hint::black_box([1u64; 512]);
        if level == 0 { frame[0] } else { std::hint::black_box(frame)[0] + deep(level - 1) }
    }

    #[test]
    fn a_stack_that_was_deep_gets_small_and_works_on() {
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let coroutine = Builder::new().stack_size(1024 * 1024).spawn(|| {
            let local = std::hint::black_box([7u8; 100]);
            let address = local.as_ptr().addr();
            let deep_sum = deep(50);
            let before = resident_around(address);
            trim_stack();
            let after = resident_around(address);
            sleep(std::time::Duration::from_millis(1));
            (deep_sum, deep(50), before, after, std::hint::black_box(local))
        });
        let (first, second, before, after, local) = coroutine.unwrap().join().unwrap();
        assert_eq!((first, second, local), (51, 51, [7; 100]));
        assert!(before >= 200 * 1024, "{before}");
        // The test itself reads a long file on this stack.
        assert!(after + 150 * 1024 <= before, "{before} to {after}");
    }
}
