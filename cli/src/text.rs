//! Small pieces of text: durations read and written, foreign text made harmless.

use std::time::Duration;

/// `10`, `10s`, `500ms`, `2m`: seconds when there is no unit.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("write a time like 500ms, 10s or 2m".into()),
    };
    let number: f64 = digits.parse().map_err(|_| "write a time like 500ms, 10s or 2m".to_string())?;
    match Duration::try_from_secs_f64(number * unit) {
        Ok(time) if time.is_zero() => Err("a time must be longer than zero".into()),
        Ok(time) if time > Duration::from_secs(24 * 3600) => Err("a day is the longest".into()),
        Ok(time) => Ok(time),
        Err(_) => Err("write a time like 500ms, 10s or 2m".into()),
    }
}

/// `4096`, `64k`, `256M`, `2G`: bytes when there is no unit, and units of 1024.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let wrong = || "write a size like 64k, 256M or 2G".to_string();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: usize = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return Err(wrong()),
    };
    let number: usize = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|size| *size > 0).ok_or_else(wrong)
}

/// Milliseconds with microseconds behind the point, for JSON.
pub(crate) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// `0.42 ms`, `17 ms`, `3.0 s`.
pub(crate) fn human(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1e3)
    }
}

/// What somebody else wrote, safe to show on a terminal: no escape sequences, and no line that looks
/// like one of ours.
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim_end_matches(['\n', '\r']).chars() {
        match c {
            '\n' => out.push_str("\n    "),
            '\t' => out.push(c),
            // Text that runs backwards reorders what stands around it.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.extend(c.escape_unicode()),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, size) in [("1", 1), ("64k", 65_536), ("256M", 268_435_456), ("2G", 2_147_483_648)] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for wrong in ["", "0", "k", "1.5M", "-1", "64kb", "99999999999999999999", "99999999999999999G"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations() {
        for (text, ms) in [("10", 10_000), ("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("0.5", 500)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "x", "10x", "-1", "0", "nan", "inf", "1e30", "2d", "1é"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(human(Duration::from_micros(420)), "0.42 ms");
        assert_eq!(human(Duration::from_millis(17)), "17 ms");
        assert_eq!(human(Duration::from_millis(2960)), "3.0 s");
        assert_eq!(millis(Duration::from_micros(1234)), 1.234);
    }

    #[test]
    fn foreign_text_cannot_drive_the_terminal() {
        assert_eq!(harmless("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(harmless("one\ntwo\n"), "one\n    two");
        assert_eq!(harmless("grüße\tß"), "grüße\tß");
        assert_eq!(harmless("\u{202e}x"), "\\u{202e}x");
    }
}
