//! Subjects and the patterns that match them.

/// Whether `pattern` (`*`: one token, `>`: one or more at the end) matches `subject`.
#[must_use]
pub fn matches(pattern: &str, subject: &str) -> bool {
    let mut subject = subject.split('.');
    let mut pattern = pattern.split('.');
    loop {
        match (pattern.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
}

/// Whether `subject` holds no wildcard.
pub(crate) fn is_exact(subject: &str) -> bool {
    !subject.is_empty()
        && subject
            .split('.')
            .all(|token| !token.is_empty() && token != "*" && token != ">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_on_the_broker() {
        for (pattern, subject, expected) in [
            ("evt.area.harbor-1", "evt.area.harbor-1", true),
            ("evt.area.*", "evt.area.harbor-1", true),
            ("evt.*.harbor-1", "evt.area.harbor-1", true),
            ("evt.>", "evt.area.harbor-1", true),
            (">", "evt", true),
            ("evt.>", "evt", false),
            ("evt.area.*", "evt.area", false),
            ("evt.area", "evt.area.harbor-1", false),
            ("cmd.>", "evt.area.harbor-1", false),
        ] {
            assert_eq!(
                matches(pattern, subject),
                expected,
                "{pattern} on {subject}"
            );
        }
        assert!(is_exact("evt.area.harbor-1"));
        assert!(!is_exact("evt.area.*") && !is_exact("evt.>") && !is_exact("a..b"));
    }
}
