//! The bytes that a connection has received and not yet used. No I/O: the connection reads into
//! [`Input::room`].

use crate::buffers::{self, SMALL};

#[derive(Default)]
pub(crate) struct Input {
    /// Received bytes at `start..end`, room after them.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether there is nothing that could be part of a request: nothing, or the start of the
    /// empty line that some clients send after a body (RFC 9112 §2.2).
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.bytes(), [] | b"\r" | b"\r\n")
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room for more bytes, at least one. The buffer grows by doubling, so that it is as large as
    /// its content asks for: the decoder bounds a head, and a body is used up piece by piece.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer = buffers::input();
        }
        if self.end == self.buffer.len() && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end * 2, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Makes the buffer at least `size` bytes large, for a body that comes in large pieces.
    pub(crate) fn grow(&mut self, size: usize) {
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
    }

    /// Says that so many bytes were read into the room.
    pub(crate) fn filled(&mut self, count: usize) {
        self.end += count;
    }

    /// Gives the buffer back, if nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.start == self.end {
            buffers::give_input(std::mem::take(self).buffer);
        }
    }

    /// Gives back a buffer that costs little to get again, if nothing is in it.
    pub(crate) fn release_small(&mut self) {
        if self.buffer.len() == SMALL {
            self.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(input: &mut Input, bytes: &[u8]) {
        for byte in bytes {
            input.room()[0] = *byte;
            input.filled(1);
        }
    }

    #[test]
    fn bytes_survive_moving_and_growing() {
        let mut input = Input::default();
        let bytes: Vec<u8> = (0..SMALL * 3).map(|number| (number % 251) as u8).collect();
        receive(&mut input, &bytes[..SMALL]);
        input.consume(100);
        receive(&mut input, &bytes[SMALL..]);
        assert_eq!(input.bytes(), &bytes[100..]);
        input.consume(bytes.len() - 100);
        assert!(input.is_idle());
    }

    #[test]
    fn only_an_empty_buffer_is_given_back() {
        let mut input = Input::default();
        receive(&mut input, b"GET");
        input.release();
        assert_eq!(input.bytes(), b"GET");
        input.grow(SMALL * 2);
        input.consume(3);
        input.release_small();
        assert_eq!(input.buffer.len(), SMALL * 2);
        input.release();
        assert_eq!(input.buffer.capacity(), 0);
        receive(&mut input, b"GET");
        input.consume(3);
        input.release_small();
        assert_eq!(input.buffer.capacity(), 0);
    }
}
