//! The text of a pseudonym: ten bytes as sixteen characters of lower-case Crockford base32.

/// Crockford's alphabet: no `i`, `l`, `o` or `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Ten bytes as sixteen characters, most significant bits first. Sorting the texts sorts the bytes.
#[must_use]
pub fn pseudonym_text(first10: &[u8; 10]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j] = *first10;
    // Two halves of 40 bits, each eight groups of five.
    let halves = [u64::from_be_bytes([0, 0, 0, a, b, c, d, e]), u64::from_be_bytes([0, 0, 0, f, g, h, i, j])];
    let mut text = [0_u8; 16];
    for (characters, half) in text.chunks_exact_mut(8).zip(halves) {
        for (character, shift) in characters.iter_mut().zip([35, 30, 25, 20, 15, 10, 5, 0]) {
            *character = ALPHABET[(half >> shift & 31) as usize];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_order() {
        assert_eq!(&pseudonym_text(&[0; 10]), b"0000000000000000");
        assert_eq!(&pseudonym_text(&[255; 10]), b"zzzzzzzzzzzzzzzz");
        assert_eq!(&pseudonym_text(&[0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0]), b"00000001g0000000");
        assert!(pseudonym_text(&[1; 10]) < pseudonym_text(&[2; 10]));
    }
}
