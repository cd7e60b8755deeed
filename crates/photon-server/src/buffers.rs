//! Buffers of connections that wait, for those that do not.
//!
//! A connection needs buffers only while it reads and answers, and nearly all connections wait nearly all the time. So
//! each worker has a few, which go round: a waiting connection costs no buffer, and the one that was used last, which the
//! processor still has at hand, is used next.

use std::cell::RefCell;

/// What an input buffer holds when it is first filled.
pub(crate) const SMALL: usize = 8 * 1024;

/// An output buffer of more bytes is given back to the system.
const KEEP_OUTPUT: usize = 128 * 1024;

/// Buffers of each kind that a worker keeps at most. More are used at a time only by connections that wait in the middle
/// of something.
const KEPT: usize = 32;

thread_local! {
    /// Of the length [`SMALL`].
    static INPUT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    /// Empty, with a capacity.
    static OUTPUT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of [`SMALL`] bytes, whatever they are.
pub(crate) fn input() -> Vec<u8> {
    INPUT.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; SMALL])
}

/// Takes back an input buffer.
pub(crate) fn give_input(buffer: Vec<u8>) {
    if buffer.len() == SMALL {
        INPUT.with_borrow_mut(|free| keep(free, buffer));
    }
}

/// An empty buffer.
pub(crate) fn output() -> Vec<u8> {
    OUTPUT.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Takes back an output buffer.
pub(crate) fn give_output(mut buffer: Vec<u8>) {
    if (1..=KEEP_OUTPUT).contains(&buffer.capacity()) {
        buffer.clear();
        OUTPUT.with_borrow_mut(|free| keep(free, buffer));
    }
}

fn keep(free: &mut Vec<Vec<u8>>, buffer: Vec<u8>) {
    if free.len() < KEPT {
        free.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_taken_again_if_it_is_worth_it() {
        let mut buffer = input();
        buffer[0] = 7;
        give_input(buffer);
        give_input(vec![0; SMALL * 2]);
        give_output(Vec::with_capacity(100));
        give_output(Vec::new());
        give_output(Vec::with_capacity(KEEP_OUTPUT + 1));
        let (first, second) = (input(), input());
        assert_eq!((first[0], second[0], second.len()), (7, 0, SMALL));
        assert_eq!((output().capacity(), output().capacity()), (100, 0));
        for _ in 0..KEPT * 2 {
            give_input(vec![0; SMALL]);
        }
        assert_eq!(INPUT.with_borrow(Vec::len), KEPT);
    }
}
