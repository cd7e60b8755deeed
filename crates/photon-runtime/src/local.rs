//! Coroutine-local values: what a thread-local is to a thread.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::coroutine::{Coroutine, with_current};

type Locals = RefCell<Vec<(usize, Rc<dyn Any>)>>;

thread_local! {
    static THREAD_LOCALS: Locals = const { RefCell::new(Vec::new()) };
}

/// A value of which each coroutine has its own. Declared with [`coroutine_local!`](crate::coroutine_local).
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(init: fn() -> T) -> Self {
        LocalKey { init }
    }

    /// Runs `f` with the current coroutine's value, which is created at its first use and dropped when the
    /// coroutine ends. `f` may wait. On a plain thread the value belongs to the thread.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        let value = with_current(|current| match current {
            Some(coroutine) => self.find_or_create(&coroutine.locals),
            None => THREAD_LOCALS.with(|locals| self.find_or_create(locals)),
        });
        match value.downcast_ref() {
            Some(value) => f(value),
            // A key is a static, and so its address belongs to one type.
            None => unreachable!("two coroutine-local keys at one address"),
        }
    }

    fn find_or_create(&'static self, locals: &Locals) -> Rc<dyn Any> {
        let key = std::ptr::from_ref(self).addr();
        let find = || {
            let locals = locals.borrow();
            locals.iter().find(|(candidate, _)| *candidate == key).map(|(_, value)| Rc::clone(value))
        };
        if let Some(value) = find() {
            return value;
        }
        // No borrow is held here: the initialiser may use other keys, and it may wait.
        let value: Rc<dyn Any> = Rc::new((self.init)());
        locals.borrow_mut().push((key, Rc::clone(&value)));
        value
    }
}

impl<T: Clone + 'static> LocalKey<T> {
    /// A clone of the current coroutine's value.
    #[must_use]
    pub fn get(&'static self) -> T {
        self.with(T::clone)
    }
}

/// Drops a finished coroutine's values, latest first, including those that their destructors create.
pub(crate) fn drop_all(coroutine: &Coroutine) {
    loop {
        let last = coroutine.locals.borrow_mut().pop();
        let Some(value) = last else { return };
        // The panic hook has reported it; the remaining values must still be dropped.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
}

/// Declares values of which each coroutine has its own.
///
/// ```
/// use std::cell::Cell;
/// photon_runtime::coroutine_local! {
///     /// The id of the request that is being served.
///     static REQUEST: Cell<u64> = Cell::new(0);
/// }
/// REQUEST.with(|id| id.set(7));
/// let other = photon_runtime::spawn(|| REQUEST.with(Cell::get)).join().unwrap();
/// assert_eq!((REQUEST.with(Cell::get), other), (7, 0));
/// ```
#[macro_export]
macro_rules! coroutine_local {
    ($($(#[$attribute:meta])* $visibility:vis static $name:ident : $type:ty = $init:expr);+ $(;)?) => {
        $($(#[$attribute])* $visibility static $name: $crate::LocalKey<$type> = $crate::LocalKey::new(|| $init);)+
    };
}
