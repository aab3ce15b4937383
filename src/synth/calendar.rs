//! Days: civil dates as days since 1970-01-01, cheap enough for every cell.

/// 31 December 9999: how the outcome tables write an end that is not known.
pub(super) const FOREVER: i32 = 2_932_896;
/// No day at all.
pub(super) const NEVER: i32 = i32::MIN;
/// The last day that the outcome tables know.
pub(super) const DATA_END: i32 = day(2021, 4, 5);

/// The day number of a civil date. Days beyond the month's end run on into the next.
pub(super) const fn day(year: i32, month: i32, of_month: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + of_month - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The civil date of a day number: year, month, day.
pub(super) const fn civil(days: i32) -> (i32, i32, i32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// The start year of the tax year that a day lies in.
pub(super) const fn tax_year(days: i32) -> i32 {
    let (year, _, _) = civil(days);
    if days < day(year, 4, 6) { year - 1 } else { year }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        assert_eq!(day(1970, 1, 1), 0);
        assert_eq!(day(9999, 12, 31), FOREVER);
        assert_eq!(day(2000, 3, 1) - day(2000, 2, 28), 2);
        for days in (-20_000..60_000).step_by(17) {
            let (y, m, d) = civil(days);
            assert_eq!(day(y, m, d), days);
        }
        assert_eq!(tax_year(day(2012, 4, 5)), 2011);
        assert_eq!(tax_year(day(2012, 4, 6)), 2012);
    }
}
