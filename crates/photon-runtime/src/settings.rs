//! How large the runtime is: workers, stacks, blocking threads. Values only; nothing is started here.

use std::fmt;
use std::thread::available_parallelism;

/// The smallest accepted coroutine stack: the runtime's own frames and one formatted panic message fit.
const MIN_STACK: usize = 16 * 1024;
/// The largest accepted coroutine stack.
const MAX_STACK: usize = 1 << 30;
/// One selector, courier and clock per worker; more than this is a typing error rather than a machine.
const MAX_WORKERS: usize = 1024;

/// The size of the runtime, fixed once it has started.
///
/// ```
/// let settings = photon_runtime::Settings { workers: 2, ..Default::default() };
/// assert_eq!(settings.stack_size, 1024 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Worker threads. Default: the available cores. Environment: `PHOTON_WORKERS`.
    pub workers: usize,
    /// Stack of one coroutine in bytes of address space, rounded up to whole pages. A parked coroutine
    /// occupies only the pages it has touched. Default: 1 MiB. Environment: `PHOTON_STACK_SIZE`, where the
    /// suffixes `K` and `M` are understood.
    pub stack_size: usize,
    /// Upper bound of threads that run [`blocking`](crate::blocking) closures. Default: 64. Environment:
    /// `PHOTON_BLOCKING_THREADS`.
    pub blocking_threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            workers: available_parallelism().map_or(1, std::num::NonZero::get),
            stack_size: 1024 * 1024,
            blocking_threads: 64,
        }
    }
}

impl Settings {
    /// The defaults, overridden by the `PHOTON_*` environment variables that are set.
    ///
    /// # Errors
    /// A variable that is not a number, or a number outside the accepted range, is named with its value.
    pub fn from_env() -> Result<Settings, SettingsError> {
        Settings::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(get: impl Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let mut settings = Settings::default();
        let fields = [
            ("PHOTON_WORKERS", &mut settings.workers, 1, MAX_WORKERS),
            ("PHOTON_STACK_SIZE", &mut settings.stack_size, MIN_STACK, MAX_STACK),
            ("PHOTON_BLOCKING_THREADS", &mut settings.blocking_threads, 1, 65_536),
        ];
        for (name, field, min, max) in fields {
            let Some(value) = get(name) else { continue };
            let number = if name == "PHOTON_STACK_SIZE" { parse_size(&value) } else { value.parse().ok() };
            match number {
                Some(number) if (min..=max).contains(&number) => *field = number,
                _ => return Err(SettingsError { name: name.to_owned(), value, min, max }),
            }
        }
        Ok(settings)
    }

    /// The same rules for settings built in code.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let fields = [
            ("Settings::workers", self.workers, 1, MAX_WORKERS),
            ("Settings::stack_size", self.stack_size, MIN_STACK, MAX_STACK),
            ("Settings::blocking_threads", self.blocking_threads, 1, 65_536),
        ];
        for (name, value, min, max) in fields {
            if !(min..=max).contains(&value) {
                return Err(SettingsError { name: name.to_owned(), value: value.to_string(), min, max });
            }
        }
        Ok(())
    }
}

/// Bytes, with an optional binary suffix: `262144`, `256K`, `1M`.
fn parse_size(text: &str) -> Option<usize> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1024),
        b'm' | b'M' => (&text[..text.len() - 1], 1024 * 1024),
        _ => (text, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

/// A setting that is not a number in its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    name: String,
    value: String,
    min: usize,
    max: usize,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SettingsError { name, value, min, max } = self;
        write!(f, "{name} is {value:?}, but must be a number from {min} to {max}")?;
        if name == "PHOTON_STACK_SIZE" {
            f.write_str(" (bytes; the suffixes K and M are understood)")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(name: &'static str, value: &'static str) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn sizes_understand_suffixes() {
        for (value, bytes) in [("65536", 65_536), ("256K", 262_144), ("256k", 262_144), ("2M", 2_097_152)] {
            assert_eq!(from("PHOTON_STACK_SIZE", value).unwrap().stack_size, bytes, "{value}");
        }
        assert_eq!(from("PHOTON_WORKERS", "3").unwrap().workers, 3);
        assert_eq!(from("PHOTON_BLOCKING_THREADS", "7").unwrap().blocking_threads, 7);
    }

    #[test]
    fn a_malformed_value_is_named() {
        let cases = [
            ("PHOTON_WORKERS", "many"),
            ("PHOTON_WORKERS", "0"),
            ("PHOTON_WORKERS", ""),
            ("PHOTON_STACK_SIZE", "1G"),
            ("PHOTON_STACK_SIZE", "4096"),
            ("PHOTON_STACK_SIZE", "99999999999999999999M"),
            ("PHOTON_BLOCKING_THREADS", "-1"),
        ];
        for (name, value) in cases {
            let message = from(name, value).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(&format!("{value:?}")), "{message}");
        }
    }

    #[test]
    fn settings_in_code_follow_the_same_rules() {
        assert!(Settings::default().check().is_ok());
        let error = Settings { workers: 0, ..Settings::default() }.check().unwrap_err().to_string();
        assert!(error.contains("Settings::workers") && error.contains("\"0\""), "{error}");
    }
}
