//! The `Date` field (RFC 9110 §6.6.1), formatted once per second. The clock belongs to the caller.

/// A `Date` field line for one second, ready to be sent.
///
/// ```
/// use photon_http::DateLine;
///
/// let mut date = DateLine::default();
/// date.set(784_111_777);
/// assert_eq!(date.as_bytes(), b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
/// ```
#[derive(Debug, Clone)]
pub struct DateLine {
    seconds: u64,
    line: [u8; LINE.len()],
}

const LINE: &[u8; 37] = b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

impl Default for DateLine {
    fn default() -> Self {
        Self { seconds: 0, line: *LINE }
    }
}

impl DateLine {
    /// Sets the time, in seconds since 1970-01-01 UTC up to the year 9999; costs a comparison if
    /// the second is the same as before.
    pub fn set(&mut self, seconds: u64) {
        if seconds != self.seconds {
            self.seconds = seconds;
            self.format(seconds);
        }
    }

    /// The field line with its line end.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.line
    }

    fn format(&mut self, seconds: u64) {
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        let line = &mut self.line;
        line[6..9].copy_from_slice(DAYS[(days % 7) as usize]);
        two_digits(&mut line[11..13], day);
        line[14..17].copy_from_slice(MONTHS[(month - 1) as usize]);
        two_digits(&mut line[18..20], year / 100 % 100);
        two_digits(&mut line[20..22], year % 100);
        two_digits(&mut line[23..25], of_day / 3600);
        two_digits(&mut line[26..28], of_day / 60 % 60);
        two_digits(&mut line[29..31], of_day % 60);
    }
}

/// Year, month and day of a day number. Counting years from March puts the leap day last, which
/// makes the month lengths a linear function.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_PER_400_YEARS: u64 = 146_097;
    let days = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days / DAYS_PER_400_YEARS, days % DAYS_PER_400_YEARS);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

fn two_digits(out: &mut [u8], number: u64) {
    out[0] = b'0' + (number / 10 % 10) as u8;
    out[1] = b'0' + (number % 10) as u8;
}
