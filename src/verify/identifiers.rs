//! What identifiers look like: the verifier's own reading of NINO, UPN, ULN, HUSID, postcode and e-mail address.

/// The postcode areas of the United Kingdom, the Crown dependencies included.
const AREAS: &str = " AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC \
EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE \
NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW \
UB W WA WC WD WF WN WR WS WV YO ZE ";

/// Upper case, blanks and white space removed, where at most `N` bytes remain.
pub(super) fn compact<const N: usize>(text: &[u8]) -> Option<([u8; N], usize)> {
    let (mut out, mut length) = ([0; N], 0);
    for byte in text.iter().filter(|b| !b.is_ascii_whitespace()) {
        *out.get_mut(length)? = byte.to_ascii_uppercase();
        length += 1;
    }
    Some((out, length))
}

/// A National Insurance number in compact form: a prefix in use, six digits, and perhaps a suffix A to D.
pub(super) fn is_nino(text: &[u8]) -> bool {
    let [first, second, rest @ ..] = text else { return false };
    let never = |c: &u8| !c.is_ascii_uppercase() || b"DFIQUV".contains(c);
    let (digits, suffix) = rest.split_at(rest.len().min(6));
    digits.len() == 6
        && digits.iter().all(u8::is_ascii_digit)
        && matches!(suffix, [] | [b'A'..=b'D'])
        && !never(first)
        && !never(second)
        && *second != b'O'
        && ![*b"BG", *b"GB", *b"NK", *b"KN", *b"TN", *b"NT", *b"ZZ"].contains(&[*first, *second])
}

/// A whole postcode in compact form, of an area that exists.
pub(super) fn is_postcode(text: &[u8]) -> bool {
    if !(5..=7).contains(&text.len()) {
        return false;
    }
    let (outward, inward) = text.split_at(text.len() - 3);
    let letter = |c: &u8| c.is_ascii_uppercase() && !b"CIKMOV".contains(c);
    if !(inward[0].is_ascii_digit() && letter(&inward[1]) && letter(&inward[2])) {
        return false;
    }
    let letters = outward.iter().take_while(|c| c.is_ascii_uppercase()).count();
    let (area, district) = outward.split_at(letters);
    let district_fits = match district {
        [a] => a.is_ascii_digit(),
        [a, b] => a.is_ascii_digit() && (b.is_ascii_digit() || b.is_ascii_uppercase()),
        _ => false,
    };
    // GIR 0AA is the one postcode of another form.
    let known = |area: &[u8]| {
        AREAS
            .as_bytes()
            .windows(area.len() + 2)
            .any(|w| w[0] == b' ' && w[area.len() + 1] == b' ' && &w[1..=area.len()] == area)
    };
    text == b"GIR0AA" || ((1..=2).contains(&letters) && district_fits && known(area))
}

/// Whether an e-mail address stands in the text: something, `@`, a name, a point, a name of letters.
pub(super) fn has_address(text: &[u8]) -> bool {
    let local = |c: u8| c.is_ascii_alphanumeric() || b"._%+-'".contains(&c);
    let host = |c: u8| c.is_ascii_alphanumeric() || c == b'.' || c == b'-';
    text.iter().enumerate().filter(|(_, c)| **c == b'@').any(|(at, _)| {
        let before = at > 0 && local(text[at - 1]);
        let length = text[at + 1..].iter().take_while(|c| host(**c)).count();
        let domain = &text[at + 1..at + 1 + length];
        let top = domain.iter().rposition(|c| *c == b'.');
        before
            && top.is_some_and(|point| {
                point > 0 && domain.len() - point > 2 && domain[point + 1..].iter().all(u8::is_ascii_alphabetic)
            })
    })
}

/// A ULN's ten digits: the first is no zero, and the weighted sum leaves the check digit.
pub(super) fn uln_is_valid(digits: &[u8; 10]) -> bool {
    let sum: u32 = digits[..9].iter().zip((2..=10).rev()).map(|(d, weight)| u32::from(d - b'0') * weight).sum();
    // A remainder of 0 would need a check digit of 10: such numbers are never issued.
    let rest = sum % 11;
    digits[0] != b'0' && rest != 0 && 10 - rest == u32::from(digits[9] - b'0')
}

/// A HUSID's thirteen digits: weights 1, 3, 7, 9 repeated, and a check digit that makes the sum a multiple of ten.
pub(super) fn husid_is_valid(digits: &[u8; 13]) -> bool {
    let weights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 7, 9, 1];
    digits.iter().zip(weights).map(|(d, weight)| u32::from(d - b'0') * weight).sum::<u32>() % 10 == 0
}

/// A UPN in compact form: a check letter, eleven digits, a digit or letter. `Some(whether the letter is right)`.
pub(super) fn upn_of(text: &[u8]) -> Option<bool> {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let [check, digits @ .., last] = text else { return None };
    if digits.len() != 11 || !check.is_ascii_uppercase() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let last = match last {
        b'0'..=b'9' => usize::from(last - b'0'),
        b'A'..=b'Z' => match LETTERS.iter().position(|l| l == last) {
            Some(value) => value,
            None => return Some(false),
        },
        _ => return None,
    };
    let sum: usize = digits.iter().zip(2..).map(|(d, weight)| usize::from(d - b'0') * weight).sum();
    Some(LETTERS[(sum + 13 * last) % 23] == *check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::check_digit_is_valid;
    use proptest::prelude::*;

    fn small(text: &str) -> Vec<u8> {
        let (bytes, length) = compact::<16>(text.as_bytes()).unwrap();
        bytes[..length].to_vec()
    }

    #[test]
    fn national_insurance_numbers() {
        for text in ["AB123456C", "ab 12 34 56 d", "JG103759A", "AB123456"] {
            assert!(is_nino(&small(text)), "{text}");
        }
        for text in
            ["QQ123456C", "AO123456A", "GB123456A", "AB12345", "AB123456E", "AB1234567", "E01000001", "A1234567"]
        {
            assert!(!is_nino(&small(text)), "{text}");
        }
    }

    #[test]
    fn postcodes_and_what_is_not_one() {
        for text in ["SW1A 1AA", "m1 1ae", "B33 8TH", "CR2 6XH", "DN55 1PT", "EC1A 1BB", "GIR 0AA", "E1 6AN", "w1a0ax"]
        {
            assert!(is_postcode(&small(text)), "{text}");
        }
        for text in [
            "E01000001",
            "W06000001",
            "47190",
            "L300",
            "W1400",
            "SW1A 1",
            "QQ1 1AA",
            "B33 8TI",
            "100/1234/5",
            "Z0001234",
            "A99",
        ] {
            assert!(!is_postcode(&small(text)), "{text}");
        }
    }

    #[test]
    fn addresses() {
        for text in ["a@b.uk", "write to first.last+x@sub.example.ac.uk please"] {
            assert!(has_address(text.as_bytes()), "{text}");
        }
        for text in ["@", "a@b", "a @ b.uk", "3 @ 4.50", "@b.uk", "a@b.1", "a@.uk"] {
            assert!(!has_address(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn check_digits_agree_with_the_other_reading(
            uln in "[0-9]{10}", husid in "[0-9]{13}", upn in "[A-Z][0-9]{11}[0-9A-Z]", nino in "[A-Z]{2}[0-9]{6}",
        ) {
            prop_assert_eq!(uln_is_valid(uln.as_bytes().try_into().unwrap()), check_digit_is_valid("uln", &uln));
            prop_assert_eq!(husid_is_valid(husid.as_bytes().try_into().unwrap()), check_digit_is_valid("husid", &husid));
            prop_assert_eq!(upn_of(upn.as_bytes()), Some(check_digit_is_valid("upn", &upn)));
            prop_assert_eq!(is_nino(nino.as_bytes()), check_digit_is_valid("nino", &nino));
        }
    }
}
