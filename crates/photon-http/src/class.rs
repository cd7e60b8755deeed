//! Classes of bytes that the grammars of HTTP and of URIs are made of, and the scans for them that every request needs.

/// A set of bytes.
pub(crate) struct ByteClass([bool; 256]);

/// What tokens are made of (RFC 9110 §5.6.2).
pub(crate) static TOKEN: ByteClass = ByteClass::alphanumeric_and(b"!#$%&'*+-.^_`|~");

impl ByteClass {
    /// The ASCII letters, the digits and `others`.
    pub(crate) const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            table[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let mut at = 0;
        while at < others.len() {
            table[others[at] as usize] = true;
            at += 1;
        }
        Self(table)
    }

    pub(crate) const fn contains(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }

    /// Whether all of `text` is of this class; true for nothing.
    pub(crate) fn holds_all(&self, text: &[u8]) -> bool {
        // Without an early exit this is three instructions a byte, and what is refused is rare.
        text.iter().fold(true, |all, &byte| all & self.contains(byte))
    }

    /// How many bytes at the start of `text` are of this class.
    // Among the variables of a caller the loop would take nearly twice as many instructions.
    #[inline(never)]
    pub(crate) fn leading(&self, text: &[u8]) -> usize {
        let mut length = 0;
        while let Some(&byte) = text.get(length)
            && self.contains(byte)
        {
            length += 1;
        }
        length
    }
}

/// Whether a byte may stand in a field value (RFC 9110 §5.5): visible, space, tab or obs-text.
pub(crate) const fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// How many bytes at the start of `text` may stand in a field value. Values can be long, so eight bytes are looked at
/// with each step.
pub(crate) fn leading_field_bytes(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&eight) = text[at..].first_chunk() {
        match control_in(u64::from_le_bytes(eight)) {
            None => at += 8,
            Some(before) if eight[before] == b'\t' => at += before + 1,
            Some(before) => return at + before,
        }
    }
    let rest = text[at..].iter();
    at + rest.take_while(|&&byte| is_field_byte(byte)).count()
}

/// How many of eight bytes, the first of which is the lowest, come before a control character.
fn control_in(eight: u64) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    // A subtraction from each byte at once: one that had less borrows and gets its highest bit, and so may those above it,
    // but none below. Bytes that have that bit already are no control characters.
    let below = |bytes: u64, least: u64| bytes.wrapping_sub(ONES * least) & !bytes;
    let controls = (below(eight, 0x20) | below(eight ^ (ONES * 0x7f), 1)) & (ONES * 0x80);
    (controls != 0).then(|| controls.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_bytes_are_told_from_others_at_every_place() {
        for length in 0..20 {
            assert_eq!(leading_field_bytes(&vec![b'a'; length]), length);
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    for around in [b'a', b' ', b'\t', b'!', 0x7e, 0x80, 0xff] {
                        let mut text = vec![around; length];
                        text[place] = byte;
                        let expected = if is_field_byte(byte) { length } else { place };
                        assert_eq!(leading_field_bytes(&text), expected, "{text:x?}");
                    }
                }
            }
        }
    }
}
