//! Why a request is refused: every fault of every part, in the shape that FastAPI clients know.
//!
//! The fast path never comes here: values are parsed into their types and checked. Only when that
//! fails is the input read again as loose JSON and walked against its schema, which finds every
//! fault with its place instead of the first.

mod constraints;
mod faults;
mod formats;
mod report;
mod unions;
mod walk;

pub use constraints::{Bound, Constraints, Measure, pattern_mistakes};
pub use faults::{ErrorDetail, Errors, Fault, Location, Segment};
pub use report::report_failed_checks;
pub use walk::{Mode, walk};

pub(crate) use walk::{float_parsing, int_parsing, parse_boolean};
