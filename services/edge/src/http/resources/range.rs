//! Conditions of a request for a file: `If-None-Match`, `Range`, `If-Range` (RFC 9110).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, header};

/// What part of a file was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: no range, one nobody understands, or several.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes it has not.
    Nothing,
}

/// Whether the client has the file with this tag already.
pub(super) fn has_it(headers: &HeaderMap, tag: &str) -> bool {
    let all = headers.get_all(header::IF_NONE_MATCH).iter();
    let tags = all.filter_map(|value| value.to_str().ok());
    tags.flat_map(|value| value.split(','))
        .map(|one| one.trim())
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// The part of a file of `size` bytes that was asked for.
pub(super) fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // The rest of another file is of no use.
    if text(header::IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::Whole;
    }
    text(header::RANGE).map_or(Wanted::Whole, |range| part(range, size))
}

fn part(range: &str, size: u64) -> Wanted {
    let Some((from, to)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let found = match (from, to) {
        ("", last) => number(last).map(|last| size.saturating_sub(last)..size),
        (from, "") => number(from).map(|from| from..size),
        (from, to) => match (number(from), number(to)) {
            (Some(from), Some(to)) if from <= to => Some(from..to.saturating_add(1).min(size)),
            _ => None,
        },
    };
    match found {
        None => Wanted::Whole,
        Some(range) if range.start >= range.end => Wanted::Nothing,
        Some(range) => Wanted::Part(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        let value = |text: &'static str| axum::http::HeaderValue::from_static(text);
        pairs
            .map(|(name, text)| (name.clone(), value(text)))
            .collect()
    }

    #[test]
    fn a_range_is_read_as_the_rfc_has_it() {
        for (range, expected) in [
            ("bytes=0-3", Wanted::Part(0..4)),
            ("bytes=4-", Wanted::Part(4..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=8-99999999999999999999999", Wanted::Part(8..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=3-2", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
        ] {
            let asked = headers(&[(header::RANGE, range)]);
            assert_eq!(wanted(&asked, TAG, 10), expected, "{range}");
        }
        let asked = headers(&[
            (header::RANGE, "bytes=0-3"),
            (header::IF_RANGE, "\"other\""),
        ]);
        assert_eq!(wanted(&asked, TAG, 10), Wanted::Whole);
        assert_eq!(
            wanted(&headers(&[(header::RANGE, "bytes=0-")]), TAG, 0),
            Wanted::Nothing
        );
    }

    #[test]
    fn a_known_tag_is_found_in_a_list() {
        for (tags, known) in [
            ("\"abc\"", true),
            ("\"x\", W/\"abc\"", true),
            ("*", true),
            ("\"abcd\"", false),
            ("abc", false),
        ] {
            assert_eq!(
                has_it(&headers(&[(header::IF_NONE_MATCH, tags)]), TAG),
                known,
                "{tags}"
            );
        }
        assert!(!has_it(&HeaderMap::new(), TAG));
    }
}
