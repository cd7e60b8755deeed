//! Streams as iterators: a `for` loop in plain blocking code over what arrives bit by bit.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;

use crate::wait::wait_for;

/// Turns any stream into a blocking iterator.
///
/// Only the coroutine waits, as in [`Wait`](crate::Wait); nothing is read ahead of the loop.
///
/// ```
/// use photon_runtime::WaitIter;
/// # fn numbers() -> impl futures_core::Stream<Item = u32> {
/// #     struct Numbers(u32);
/// #     impl futures_core::Stream for Numbers {
/// #         type Item = u32;
/// #         fn poll_next(
/// #             mut self: std::pin::Pin<&mut Self>,
/// #             _: &mut std::task::Context<'_>,
/// #         ) -> std::task::Poll<Option<u32>> {
/// #             self.0 += 1;
/// #             std::task::Poll::Ready((self.0 <= 3).then_some(self.0))
/// #         }
/// #     }
/// #     Numbers(0)
/// # }
/// let sum: u32 = numbers().wait_iter().sum();
/// assert_eq!(sum, 6);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream",
    note = ".wait_iter() iterates over streams"
)]
pub trait WaitIter: Stream + Sized {
    /// An iterator that blocks for each item.
    fn wait_iter(self) -> StreamIter<Self> {
        StreamIter { stream: Box::pin(self) }
    }
}

impl<S: Stream> WaitIter for S {}

/// A stream as a blocking iterator; see [`WaitIter`].
pub struct StreamIter<S> {
    stream: Pin<Box<S>>,
}

impl<S: Stream> Iterator for StreamIter<S> {
    type Item = S::Item;

    /// # Panics
    /// If called while a future is being polled.
    #[track_caller]
    fn next(&mut self) -> Option<S::Item> {
        wait_for(poll_fn(|context| self.stream.as_mut().poll_next(context)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S> fmt::Debug for StreamIter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamIter").finish_non_exhaustive()
    }
}
