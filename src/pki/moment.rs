//! Times as X.509 writes them (RFC 5280, 4.1.2.5).

use time::{Date, Month};

use crate::clock::Moment;
use crate::pki::der::{Element, NotDer, tag};

/// Reads a UTCTime (`YYMMDDHHMMSSZ`, 1950 to 2049) or a GeneralizedTime (`YYYYMMDDHHMMSSZ`).
///
/// # Errors
/// [`NotDer`] where it is neither, has no seconds, fractions of them or another zone than `Z`, or where there is no such
/// day or time.
pub fn decode(element: &Element<'_>) -> Result<Moment, NotDer> {
    let (digits, z) = element
        .content
        .split_last()
        .map(|(z, digits)| (digits, *z))
        .ok_or(NotDer)?;
    if z != b'Z' || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotDer);
    }
    let (pairs, []) = digits.as_chunks::<2>() else {
        return Err(NotDer);
    };
    let (year, rest) = match (element.tag, pairs) {
        (tag::UTC_TIME, [year, rest @ ..]) => match number(*year) {
            late @ 50.. => (1900_i32.saturating_add(i32::from(late)), rest),
            early => (2000_i32.saturating_add(i32::from(early)), rest),
        },
        (tag::GENERALIZED_TIME, [century, year, rest @ ..]) => {
            let century = i32::from(number(*century)).saturating_mul(100);
            (century.saturating_add(i32::from(number(*year))), rest)
        }
        _ => return Err(NotDer),
    };
    let [month, day, hour, minute, second] = rest else {
        return Err(NotDer);
    };
    let month = Month::try_from(number(*month)).map_err(|_| NotDer)?;
    let moment = Date::from_calendar_date(year, month, number(*day))
        .and_then(|date| date.with_hms(number(*hour), number(*minute), number(*second)))
        .map_err(|_| NotDer)?;
    Ok(Moment::from_unix_seconds(
        moment.assume_utc().unix_timestamp(),
    ))
}

/// The number that two digits are.
const fn number([tens, ones]: [u8; 2]) -> u8 {
    let tens = tens.wrapping_sub(b'0').wrapping_mul(10);
    tens.wrapping_add(ones.wrapping_sub(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::der::{encode, single};

    fn read(tag: u8, text: &str) -> Option<String> {
        let written = encode(tag, &[text.as_bytes()]);
        let moment = decode(&single(&written).unwrap()).ok();
        moment.map(|moment| moment.to_string())
    }

    #[test]
    fn reads_both_kinds_of_times() {
        for (tag, text, expected) in [
            (tag::UTC_TIME, "300601123456Z", "2030-06-01T12:34:56Z"),
            (tag::UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z"),
            (tag::UTC_TIME, "500101000000Z", "1950-01-01T00:00:00Z"),
            (tag::UTC_TIME, "991231000000Z", "1999-12-31T00:00:00Z"),
            (
                tag::GENERALIZED_TIME,
                "20500101120100Z",
                "2050-01-01T12:01:00Z",
            ),
            (
                tag::GENERALIZED_TIME,
                "19690101000000Z",
                "1969-01-01T00:00:00Z",
            ),
            (
                tag::GENERALIZED_TIME,
                "20240229000000Z",
                "2024-02-29T00:00:00Z",
            ),
        ] {
            assert_eq!(read(tag, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time_in_der() {
        for (tag, text) in [
            (tag::UTC_TIME, ""),
            (tag::UTC_TIME, "Z"),
            (tag::UTC_TIME, "3006011234Z"),
            (tag::UTC_TIME, "300601123456"),
            (tag::UTC_TIME, "300601123456+0100"),
            (tag::UTC_TIME, "300631123456Z"),
            (tag::UTC_TIME, "301301123456Z"),
            (tag::UTC_TIME, "300601243456Z"),
            (tag::UTC_TIME, "20300601123456Z"),
            (tag::GENERALIZED_TIME, "300601123456Z"),
            (tag::GENERALIZED_TIME, "20300601123456.5Z"),
            (tag::GENERALIZED_TIME, "20230229000000Z"),
            (tag::OCTET_STRING, "20300601123456Z"),
        ] {
            assert_eq!(read(tag, text), None, "{text}");
        }
    }
}
