//! Dates and durations. The clock is not read, and the local time is that of UTC.

use std::sync::Arc;

use super::{Arguments, Return, format};
use crate::template::Type;
use crate::value::{Entries, Object, Value};

/// A moment, in a zone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Time {
    /// Seconds since 1970 in UTC.
    seconds: i64,
    nanos: u32,
    /// Seconds east of UTC.
    offset: i64,
    zone: String,
}

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date, in the calendar of today for all times.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// A date and time of day.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: usize,
    day_of_year: i64,
}

/// What a layout asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Zone,
    /// An offset: whether nothing is `Z`, whether colons stand between, and how many numbers.
    Offset {
        z: bool,
        colons: bool,
        numbers: u8,
    },
    /// A fraction of so many digits; whether zeros at its end are left out.
    Fraction {
        digits: usize,
        nines: bool,
        comma: bool,
    },
}

/// The text before the next chunk of a layout, the chunk, and the rest.
fn next_chunk(layout: &str) -> (&str, Option<Chunk>, &str) {
    let bytes = layout.as_bytes();
    let lower_follows = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
    for (at, byte) in bytes.iter().enumerate() {
        let rest = &bytes[at..];
        let found = |length: usize, chunk: Chunk| Some((length, chunk));
        let chunk = match byte {
            b'J' if rest.starts_with(b"January") => found(7, Chunk::LongMonth),
            b'J' if rest.starts_with(b"Jan") && !lower_follows(at + 3) => found(3, Chunk::Month),
            b'M' if rest.starts_with(b"Monday") => found(6, Chunk::LongWeekday),
            b'M' if rest.starts_with(b"Mon") && !lower_follows(at + 3) => found(3, Chunk::Weekday),
            b'M' if rest.starts_with(b"MST") => found(3, Chunk::Zone),
            b'0' if rest.starts_with(b"002") => found(3, Chunk::ZeroYearDay),
            b'0' => match rest.get(1) {
                Some(b'1') => found(2, Chunk::ZeroMonth),
                Some(b'2') => found(2, Chunk::ZeroDay),
                Some(b'3') => found(2, Chunk::ZeroHour12),
                Some(b'4') => found(2, Chunk::ZeroMinute),
                Some(b'5') => found(2, Chunk::ZeroSecond),
                Some(b'6') => found(2, Chunk::Year),
                _ => None,
            },
            b'1' if rest.starts_with(b"15") => found(2, Chunk::Hour),
            b'1' => found(1, Chunk::NumberMonth),
            b'2' if rest.starts_with(b"2006") => found(4, Chunk::LongYear),
            b'2' => found(1, Chunk::Day),
            b'_' if rest.starts_with(b"_2006") => return (&layout[..at + 1], Some(Chunk::LongYear), &layout[at + 5..]),
            b'_' if rest.starts_with(b"_2") => found(2, Chunk::UnderDay),
            b'_' if rest.starts_with(b"__2") => found(3, Chunk::UnderYearDay),
            b'3' => found(1, Chunk::Hour12),
            b'4' => found(1, Chunk::Minute),
            b'5' => found(1, Chunk::Second),
            b'P' if rest.starts_with(b"PM") => found(2, Chunk::UpperPm),
            b'p' if rest.starts_with(b"pm") => found(2, Chunk::LowerPm),
            b'-' | b'Z' => {
                let z = *byte == b'Z';
                let offset = |colons, numbers| Chunk::Offset { z, colons, numbers };
                let rest = &rest[1..];
                if rest.starts_with(b"070000") {
                    found(7, offset(false, 3))
                } else if rest.starts_with(b"07:00:00") {
                    found(9, offset(true, 3))
                } else if rest.starts_with(b"0700") {
                    found(5, offset(false, 2))
                } else if rest.starts_with(b"07:00") {
                    found(6, offset(true, 2))
                } else if rest.starts_with(b"07") {
                    found(3, offset(false, 1))
                } else {
                    None
                }
            }
            b'.' | b',' => match rest.get(1) {
                Some(kind @ (b'0' | b'9')) => {
                    let digits = rest[1..].iter().take_while(|digit| *digit == kind).count();
                    if rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                        None
                    } else {
                        let (nines, comma) = (*kind == b'9', *byte == b',');
                        found(1 + digits, Chunk::Fraction { digits, nines, comma })
                    }
                }
                _ => None,
            },
            _ => None,
        };
        if let Some((length, chunk)) = chunk {
            return (&layout[..at], Some(chunk), &layout[at + length..]);
        }
    }
    (layout, None, "")
}

/// Whether it looks like the name of a time zone.
fn is_zone(name: &str) -> bool {
    const AREAS: &[&str] = &[
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Brazil",
        "Canada",
        "Chile",
        "Etc",
        "Europe",
        "Indian",
        "Mexico",
        "Pacific",
        "US",
    ];
    const NAMES: &[&str] = &[
        "CET",
        "CST6CDT",
        "EET",
        "EST",
        "EST5EDT",
        "HST",
        "MET",
        "MST",
        "MST7MDT",
        "PST8PDT",
        "WET",
        "PRC",
        "ROC",
        "ROK",
        "NZ",
        "GB",
        "UCT",
        "Zulu",
        "Japan",
        "Singapore",
        "Israel",
        "Turkey",
        "Iran",
        "Egypt",
        "Cuba",
        "Eire",
        "Poland",
        "Portugal",
        "Hongkong",
        "Iceland",
        "Jamaica",
        "Libya",
        "Navajo",
        "Kwajalein",
        "Greenwich",
        "Universal",
    ];
    NAMES.contains(&name) || name.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area))
}

fn offset_text(offset: i64, colons: bool, numbers: u8) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.abs();
    let parts = [offset / 3600, offset / 60 % 60, offset % 60];
    let parts: Vec<String> = parts.iter().take(usize::from(numbers)).map(|part| format!("{part:02}")).collect();
    format!("{sign}{}", parts.join(if colons { ":" } else { "" }))
}

impl Time {
    fn at(seconds: i64) -> Time {
        Time { seconds, nanos: 0, offset: 0, zone: "UTC".to_owned() }
    }

    /// Go's zero time: the first year.
    fn zero() -> Time {
        Time::at(-62_135_596_800)
    }

    fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(self.offset);
        let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        let weekday = usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0);
        Civil {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            weekday,
            day_of_year: days - days_of(year, 1, 1) + 1,
        }
    }

    fn in_zone(&self, zone: &str) -> Result<Time, String> {
        match zone {
            "" | "UTC" | "Local" | "Etc/UTC" | "GMT" | "Etc/GMT" => {
                let zone = if zone.ends_with("GMT") { "GMT" } else { "UTC" };
                Ok(Time { offset: 0, zone: zone.to_owned(), ..self.clone() })
            }
            zone if is_zone(zone) => {
                Err(format!("the time zone {zone} is not known here: only UTC is, because zones change"))
            }
            // Whatever is no zone is UTC to Sprig.
            _ => Ok(Time { offset: 0, zone: "UTC".to_owned(), ..self.clone() }),
        }
    }

    fn add(&self, nanos: i64) -> Time {
        let total = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos) + i128::from(nanos);
        let seconds = i64::try_from(total.div_euclid(1_000_000_000)).unwrap_or(0);
        let nanos = u32::try_from(total.rem_euclid(1_000_000_000)).unwrap_or(0);
        Time { seconds, nanos, ..self.clone() }
    }

    fn format(&self, layout: &str) -> String {
        let civil = self.civil();
        let month =
            usize::try_from(civil.month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
        let weekday = WEEKDAYS[civil.weekday % 7];
        let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
        let mut to = String::new();
        let mut rest = layout;
        loop {
            let (before, chunk, after) = next_chunk(rest);
            to.push_str(before);
            rest = after;
            let Some(chunk) = chunk else {
                return to;
            };
            let text = match chunk {
                Chunk::LongMonth => month.to_owned(),
                Chunk::Month => month[..3].to_owned(),
                Chunk::NumberMonth => civil.month.to_string(),
                Chunk::ZeroMonth => format!("{:02}", civil.month),
                Chunk::LongWeekday => weekday.to_owned(),
                Chunk::Weekday => weekday[..3].to_owned(),
                Chunk::Day => civil.day.to_string(),
                Chunk::UnderDay => format!("{:2}", civil.day),
                Chunk::ZeroDay => format!("{:02}", civil.day),
                Chunk::UnderYearDay => format!("{:3}", civil.day_of_year),
                Chunk::ZeroYearDay => format!("{:03}", civil.day_of_year),
                Chunk::Hour => format!("{:02}", civil.hour),
                Chunk::Hour12 => hour12.to_string(),
                Chunk::ZeroHour12 => format!("{hour12:02}"),
                Chunk::Minute => civil.minute.to_string(),
                Chunk::ZeroMinute => format!("{:02}", civil.minute),
                Chunk::Second => civil.second.to_string(),
                Chunk::ZeroSecond => format!("{:02}", civil.second),
                Chunk::LongYear if civil.year < 0 => format!("-{:04}", -civil.year),
                Chunk::LongYear => format!("{:04}", civil.year),
                Chunk::Year => format!("{:02}", civil.year.rem_euclid(100)),
                Chunk::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
                Chunk::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
                Chunk::Zone if self.zone.is_empty() => offset_text(self.offset, false, 2),
                Chunk::Zone => self.zone.clone(),
                Chunk::Offset { z: true, .. } if self.offset == 0 => "Z".to_owned(),
                Chunk::Offset { colons, numbers, .. } => offset_text(self.offset, colons, numbers),
                Chunk::Fraction { digits, nines, comma } => {
                    let all = format!("{:09}", self.nanos);
                    let mut shown = format!("{all:0<digits$}")[..digits].to_owned();
                    if nines {
                        shown.truncate(shown.trim_end_matches('0').len());
                    }
                    let point = if comma { ',' } else { '.' };
                    if nines && shown.is_empty() { shown } else { format!("{point}{shown}") }
                }
            };
            to.push_str(&text);
        }
    }

    fn parse(layout: &str, text: &str) -> Result<Time, String> {
        Parser { layout, text, ..Parser::default() }.parse(layout, text)
    }
}

/// What was read of a date so far.
#[derive(Default)]
struct Parser<'t> {
    layout: &'t str,
    text: &'t str,
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    pm: Option<bool>,
    offset: Option<i64>,
    zone: Option<String>,
}

/// Why a part of a date was not read.
enum Unread {
    Malformed,
    OutOfRange(&'static str),
}

fn number(text: &str, fixed: bool) -> Result<(i64, &str), Unread> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
    match (digit(0), digit(1)) {
        (Some(tens), Some(ones)) => Ok((tens * 10 + ones, &text[2..])),
        (Some(ones), None) if !fixed => Ok((ones, &text[1..])),
        _ => Err(Unread::Malformed),
    }
}

fn ranged<'t>(value: (i64, &'t str), least: i64, most: i64, what: &'static str) -> Result<(i64, &'t str), Unread> {
    if (least..=most).contains(&value.0) { Ok(value) } else { Err(Unread::OutOfRange(what)) }
}

fn named<'t>(names: &[&str], length: Option<usize>, text: &'t str) -> Result<(i64, &'t str), Unread> {
    for (index, name) in names.iter().enumerate() {
        let name = &name[..length.unwrap_or(name.len())];
        if let Some(start) = text.get(..name.len())
            && start.eq_ignore_ascii_case(name)
        {
            return Ok((index as i64 + 1, &text[name.len()..]));
        }
    }
    Err(Unread::Malformed)
}

fn digits_of(text: &str, count: usize) -> Result<(i64, &str), Unread> {
    match text.get(..count) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok((digits.parse().map_err(|_| Unread::Malformed)?, &text[count..]))
        }
        _ => Err(Unread::Malformed),
    }
}

/// Skips what a layout has between its chunks; spaces stand for any number of spaces.
fn skip<'t>(mut text: &'t str, mut before: &str) -> Option<&'t str> {
    while let Some(c) = before.chars().next() {
        if c == ' ' {
            if !text.is_empty() && !text.starts_with(' ') {
                return None;
            }
            before = before.trim_start_matches(' ');
            text = text.trim_start_matches(' ');
            continue;
        }
        text = text.strip_prefix(c)?;
        before = &before[c.len_utf8()..];
    }
    Some(text)
}

impl Parser<'_> {
    fn failed(&self, element: &str, rest: &str) -> String {
        let (text, layout) = (format::quote(self.text), format::quote(self.layout));
        format!("parsing time {text} as {layout}: cannot parse {} as {}", format::quote(rest), format::quote(element))
    }

    fn parse(mut self, layout: &str, text: &str) -> Result<Time, String> {
        let (mut layout, mut text) = (layout, text);
        loop {
            let (before, chunk, after) = next_chunk(layout);
            let element = &layout[before.len()..layout.len() - after.len()];
            let Some(rest) = skip(text, before) else {
                return Err(self.failed(before, text));
            };
            text = rest;
            layout = after;
            let Some(chunk) = chunk else {
                if !text.is_empty() {
                    let whole = format::quote(self.text);
                    return Err(format!("parsing time {whole}: extra text: {}", format::quote(text)));
                }
                return self.finish();
            };
            match self.chunk(chunk, text, layout) {
                Ok(rest) => text = rest,
                Err(Unread::Malformed) => return Err(self.failed(element, text)),
                Err(Unread::OutOfRange(what)) => {
                    return Err(format!("parsing time {}: {what} out of range", format::quote(self.text)));
                }
            }
        }
    }

    fn chunk<'t>(&mut self, chunk: Chunk, text: &'t str, after: &str) -> Result<&'t str, Unread> {
        let rest;
        match chunk {
            Chunk::Year => {
                let year;
                (year, rest) = digits_of(text, 2)?;
                self.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Chunk::LongYear => (self.year, rest) = digits_of(text, 4)?,
            Chunk::Month | Chunk::LongMonth => {
                let month;
                (month, rest) = named(&MONTHS, (chunk == Chunk::Month).then_some(3), text)?;
                self.month = Some(month);
            }
            Chunk::NumberMonth | Chunk::ZeroMonth => {
                let month;
                (month, rest) = ranged(number(text, chunk == Chunk::ZeroMonth)?, 1, 12, "month")?;
                self.month = Some(month);
            }
            Chunk::Weekday | Chunk::LongWeekday => {
                rest = named(&WEEKDAYS, (chunk == Chunk::Weekday).then_some(3), text)?.1;
            }
            Chunk::Day | Chunk::UnderDay | Chunk::ZeroDay => {
                let start = if chunk == Chunk::UnderDay { text.strip_prefix(' ').unwrap_or(text) } else { text };
                let day;
                (day, rest) = number(start, chunk == Chunk::ZeroDay)?;
                self.day = Some(day);
            }
            Chunk::UnderYearDay | Chunk::ZeroYearDay => {
                let padded = if chunk == Chunk::UnderYearDay { text.trim_start_matches(' ') } else { text };
                let spaces = (text.len() - padded.len()).min(2);
                let day;
                (day, rest) = digits_of(&text[spaces..], 3 - spaces)?;
                self.day_of_year = Some(day);
            }
            Chunk::Hour => (self.hour, rest) = ranged(number(text, false)?, 0, 23, "hour")?,
            Chunk::Hour12 | Chunk::ZeroHour12 => {
                (self.hour, rest) = ranged(number(text, chunk == Chunk::ZeroHour12)?, 0, 12, "hour")?;
            }
            Chunk::Minute | Chunk::ZeroMinute => {
                (self.minute, rest) = ranged(number(text, chunk == Chunk::ZeroMinute)?, 0, 59, "minute")?;
            }
            Chunk::Second | Chunk::ZeroSecond => {
                let mut left;
                (self.second, left) = ranged(number(text, chunk == Chunk::ZeroSecond)?, 0, 59, "second")?;
                // A fraction may follow the seconds though the layout has none.
                let bytes = left.as_bytes();
                if matches!(bytes.first(), Some(b'.' | b','))
                    && bytes.get(1).is_some_and(u8::is_ascii_digit)
                    && !matches!(next_chunk(after).1, Some(Chunk::Fraction { .. }))
                {
                    let digits = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                    self.fraction(&left[1..1 + digits])?;
                    left = &left[1 + digits..];
                }
                rest = left;
            }
            Chunk::UpperPm | Chunk::LowerPm => {
                let names = if chunk == Chunk::UpperPm { ["AM", "PM"] } else { ["am", "pm"] };
                let start = text.get(..2).ok_or(Unread::Malformed)?;
                self.pm = Some(start == names[1]);
                if !names.contains(&start) {
                    return Err(Unread::Malformed);
                }
                rest = &text[2..];
            }
            Chunk::Offset { z: true, .. } if text.starts_with('Z') => {
                self.offset = Some(0);
                rest = &text[1..];
            }
            Chunk::Offset { colons, numbers, .. } => {
                let sign = match text.chars().next() {
                    Some('+') => 1,
                    Some('-') => -1,
                    _ => return Err(Unread::Malformed),
                };
                let mut left = &text[1..];
                let mut parts = [0i64; 3];
                for (index, part) in parts.iter_mut().enumerate().take(usize::from(numbers)) {
                    if colons && index > 0 {
                        left = left.strip_prefix(':').ok_or(Unread::Malformed)?;
                    }
                    (*part, left) = digits_of(left, 2)?;
                }
                let [hours, minutes, seconds] = parts;
                if hours > 24 || minutes > 60 || seconds > 60 {
                    return Err(Unread::OutOfRange("time zone offset"));
                }
                self.offset = Some(sign * ((hours * 60 + minutes) * 60 + seconds));
                rest = left;
            }
            Chunk::Zone => {
                if let Some(left) = text.strip_prefix("UTC") {
                    self.offset = Some(0);
                    return Ok(left);
                }
                let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
                if !(3..=5).contains(&letters) {
                    return Err(Unread::Malformed);
                }
                self.zone = Some(text[..letters].to_owned());
                rest = &text[letters..];
            }
            Chunk::Fraction { digits, nines: false, .. } => {
                let fraction = text.get(1..=digits).ok_or(Unread::Malformed)?;
                if !text.starts_with(['.', ',']) {
                    return Err(Unread::Malformed);
                }
                self.fraction(fraction)?;
                rest = &text[1 + digits..];
            }
            Chunk::Fraction { .. } => {
                let bytes = text.as_bytes();
                if !matches!(bytes.first(), Some(b'.' | b',')) || !bytes.get(1).is_some_and(u8::is_ascii_digit) {
                    return Ok(text);
                }
                let digits = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count().min(9);
                self.fraction(&text[1..1 + digits])?;
                rest = &text[1 + digits..];
            }
        }
        Ok(rest)
    }

    fn fraction(&mut self, digits: &str) -> Result<(), Unread> {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Unread::Malformed);
        }
        let nine = format!("{:0<9}", &digits[..digits.len().min(9)]);
        self.nanos = nine.parse().map_err(|_| Unread::OutOfRange("fractional second"))?;
        Ok(())
    }

    fn finish(mut self) -> Result<Time, String> {
        match self.pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let out_of_range = |what: &str| Err(format!("parsing time {}: {what} out of range", format::quote(self.text)));
        let (mut month, mut day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if let Some(of_year) = self.day_of_year {
            if of_year < 1 || of_year > 365 + i64::from(is_leap(self.year)) {
                return out_of_range("day-of-year");
            }
            let (_, found_month, found_day) = date_of(days_of(self.year, 1, 1) + of_year - 1);
            if self.month.is_some_and(|month| month != found_month) {
                return Err(format!("parsing time {}: day-of-year does not match month", format::quote(self.text)));
            }
            if self.day.is_some_and(|day| day != found_day) {
                return Err(format!("parsing time {}: day-of-year does not match day", format::quote(self.text)));
            }
            (month, day) = (found_month, found_day);
        }
        if day < 1 || day > days_in(month, self.year) {
            return out_of_range("day");
        }
        let local = days_of(self.year, month, day) * DAY + self.hour * 3600 + self.minute * 60 + self.second;
        let (offset, zone) = match (self.offset, self.zone) {
            (Some(0), _) => (0, "UTC".to_owned()),
            (Some(offset), _) => (offset, String::new()),
            (None, Some(zone)) => {
                let hours = zone.strip_prefix("GMT").and_then(|hours| hours.parse::<i64>().ok()).unwrap_or(0);
                // A zone that is known by name only is taken to be where UTC is.
                return Ok(Time { seconds: local - hours * 3600, nanos: self.nanos, offset: hours * 3600, zone });
            }
            (None, None) => (0, "UTC".to_owned()),
        };
        Ok(Time { seconds: local - offset, nanos: self.nanos, offset, zone })
    }
}

impl Time {
    /// So many years, months and days on; what a month has not is days of the next.
    fn add_date(&self, years: i64, months: i64, days: i64) -> Result<Time, String> {
        let added = || {
            let civil = self.civil();
            let year = civil.year.checked_add(years)?;
            let month = (civil.month - 1).checked_add(months)?;
            let year = year.checked_add(month.div_euclid(12)).filter(|year| (-100_000..100_000).contains(year))?;
            let date = days_of(year, month.rem_euclid(12) + 1, 1).checked_add(civil.day - 1)?.checked_add(days)?;
            let before = days_of(civil.year, civil.month, civil.day);
            let seconds = self.seconds.checked_add(date.checked_sub(before)?.checked_mul(86_400)?)?;
            Some(Time { seconds, ..self.clone() })
        };
        added().ok_or_else(|| "the year is out of range".to_owned())
    }
}

impl Object for Time {
    fn kind(&self) -> &'static str {
        "time.Time"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        match name {
            "Format" => Some(&[Type::String]),
            "Before" | "After" | "Equal" => Some(&[Type::Object("time.Time")]),
            "AddDate" => Some(&[Type::Int, Type::Int, Type::Int]),
            "Year" | "Month" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "YearDay" | "Weekday" | "Unix"
            | "UnixMilli" | "UnixNano" | "IsZero" | "UTC" | "Local" | "String" => Some(&[]),
            _ => None,
        }
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        self.method(name)?;
        let civil = self.civil();
        match arguments {
            [Value::String(layout)] if name == "Format" => return Some(Ok(self.format(layout).into())),
            [other @ Value::Object(_)] => {
                let other = time_of(other)?;
                let order = (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos));
                return Some(Ok(match name {
                    "Before" => order.is_lt(),
                    "After" => order.is_gt(),
                    _ => order.is_eq(),
                }
                .into()));
            }
            [years, months, days] => {
                let [years, months, days] = [years, months, days].map(|part| part.whole().unwrap_or_default());
                return Some(self.add_date(years, months, days).map(time_value));
            }
            _ => {}
        }
        let value = match name {
            "Year" => civil.year.into(),
            "Month" => MONTHS[usize::try_from(civil.month - 1).unwrap_or(0) % 12].into(),
            "Day" => civil.day.into(),
            "Hour" => civil.hour.into(),
            "Minute" => civil.minute.into(),
            "Second" => civil.second.into(),
            "Nanosecond" => i64::from(self.nanos).into(),
            "YearDay" => civil.day_of_year.into(),
            "Weekday" => WEEKDAYS[civil.weekday % 7].into(),
            "Unix" => Value::int64(self.seconds),
            "UnixMilli" => {
                Value::int64(self.seconds.saturating_mul(1000).saturating_add(i64::from(self.nanos) / 1_000_000))
            }
            "UnixNano" => Value::int64(self.seconds.wrapping_mul(1_000_000_000).wrapping_add(i64::from(self.nanos))),
            "IsZero" => (self.seconds == Time::zero().seconds && self.nanos == 0).into(),
            "UTC" | "Local" => Value::Object(Arc::new(Time { offset: 0, zone: "UTC".to_owned(), ..self.clone() })),
            "String" => self.display().into(),
            _ => return None,
        };
        Some(Ok(value))
    }

    fn display(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    fn as_map(&self) -> Option<Entries> {
        None
    }

    fn text(&self) -> Option<String> {
        Some(self.format("2006-01-02T15:04:05.999999999Z07:00"))
    }
}

fn time_value(time: Time) -> Value {
    Value::Object(Arc::new(time))
}

/// The moment that an object is, by the words that it shows.
fn time_of(value: &Value) -> Option<Time> {
    match value {
        Value::Object(object) if object.kind() == "time.Time" => {
            let mut time = Time::parse("2006-01-02T15:04:05.999999999Z07:00", &object.text()?).ok()?;
            let shown = object.display();
            time.zone =
                shown.rsplit(' ').next().filter(|zone| !zone.starts_with(['+', '-'])).unwrap_or_default().to_owned();
            Some(time)
        }
        _ => None,
    }
}

fn shown(layout: &str, date: &Value, zone: &str) -> Return {
    let time = match (date, time_of(date)) {
        (_, Some(time)) => time,
        (value, None) => match value.whole() {
            Some(seconds) => Time::at(seconds),
            None => {
                return Err(super::FunctionError::NotDeterministic(
                    "what is no date is the present moment, which differs on every run".to_owned(),
                ));
            }
        },
    };
    Ok(time.in_zone(zone)?.format(layout).into())
}

pub(super) fn date(args: &Arguments<'_>) -> Return {
    shown(args.text(0), args.any(1), "Local")
}

pub(super) fn date_in_zone(args: &Arguments<'_>) -> Return {
    shown(args.text(0), args.any(1), args.text(2))
}

pub(super) fn html_date(args: &Arguments<'_>) -> Return {
    shown("2006-01-02", args.any(0), "Local")
}

pub(super) fn html_date_in_zone(args: &Arguments<'_>) -> Return {
    shown("2006-01-02", args.any(0), args.text(1))
}

pub(super) fn date_modify(args: &Arguments<'_>) -> Return {
    match (time_of(args.any(1)), parse_duration(args.text(0))) {
        (Some(time), Ok(duration)) => Ok(time_value(time.add(duration))),
        _ => Ok(args.any(1).clone()),
    }
}

pub(super) fn must_date_modify(args: &Arguments<'_>) -> Return {
    let duration = parse_duration(args.text(0))?;
    Ok(time_of(args.any(1)).map_or(Value::Nil, |time| time_value(time.add(duration))))
}

pub(super) fn to_date(args: &Arguments<'_>) -> Return {
    Ok(time_value(Time::parse(args.text(0), args.text(1)).unwrap_or_else(|_| Time::zero())))
}

pub(super) fn must_to_date(args: &Arguments<'_>) -> Return {
    Ok(time_value(Time::parse(args.text(0), args.text(1))?))
}

pub(super) fn unix_epoch(args: &Arguments<'_>) -> Return {
    Ok(time_of(args.any(0)).map_or(0, |time| time.seconds).to_string().into())
}

// Durations

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Go's `time.ParseDuration`: nanoseconds.
fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", format::quote(text));
    const MOST: u64 = 1 << 63;
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole_length = digits(rest);
        let whole = &rest[..whole_length];
        rest = &rest[whole_length..];
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            let length = digits(after);
            fraction = &after[..length];
            rest = &after[length..];
        }
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = &rest[..end];
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", format::quote(text)));
        }
        let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("time: unknown unit {} in duration {}", format::quote(unit), format::quote(text)));
        };
        rest = &rest[end..];
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let mut value = whole.checked_mul(*size).filter(|value| *value <= MOST).ok_or_else(invalid)?;
        if !fraction.is_empty() {
            let digits = &fraction[..fraction.len().min(18)];
            let scale = 10f64.powi(digits.len() as i32);
            let part = digits.parse::<u64>().unwrap_or(0) as f64 * (*size as f64 / scale);
            value = value.checked_add(part as u64).filter(|value| *value <= MOST).ok_or_else(invalid)?;
        }
        total = total.checked_add(value).filter(|total| *total <= MOST).ok_or_else(invalid)?;
    }
    if negative {
        return 0i64.checked_sub_unsigned(total).ok_or_else(invalid);
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// A duration as Go prints it.
fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.unsigned_abs();
    let with_fraction = |unit: u64, name: &str| {
        let digits = unit.ilog10() as usize;
        let fraction = format!("{:0digits$}", size % unit);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() || unit == 1 { "" } else { "." };
        let fraction = if unit == 1 { "" } else { fraction };
        format!("{}{point}{fraction}{name}", size / unit)
    };
    let text = match size {
        0 => "0s".to_owned(),
        1..1_000 => with_fraction(1, "ns"),
        1_000..1_000_000 => with_fraction(1_000, "µs"),
        1_000_000..1_000_000_000 => with_fraction(1_000_000, "ms"),
        _ => {
            let seconds = size / 1_000_000_000;
            let fraction = format!("{:09}", size % 1_000_000_000);
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            let tail = format!("{}{point}{fraction}s", seconds % 60);
            match (seconds / 3600, seconds / 60 % 60) {
                (0, 0) => tail,
                (0, minutes) => format!("{minutes}m{tail}"),
                (hours, minutes) => format!("{hours}h{minutes}m{tail}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// Seconds as a duration. Only a string or an int64 counts, as in Sprig.
pub(super) fn duration(args: &Arguments<'_>) -> Return {
    let seconds = match args.any(0) {
        Value::String(text) => clamped(text),
        value => value.as_int64().unwrap_or(0),
    };
    Ok(duration_text(seconds.wrapping_mul(1_000_000_000)).into())
}

/// `strconv.ParseInt` in base 10, whose result stays at the end of the range where it would be beyond.
fn clamped(text: &str) -> i64 {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

pub(super) fn duration_round(args: &Arguments<'_>) -> Return {
    let nanos = match args.any(0) {
        Value::String(text) => parse_duration(text).unwrap_or(0),
        value if time_of(value).is_some() => {
            return Err(super::FunctionError::NotDeterministic(
                "it reads the clock, so that it gives something else on every run".to_owned(),
            ));
        }
        value => value.as_int64().unwrap_or(0),
    };
    let size = nanos.unsigned_abs();
    const SECOND: u64 = 1_000_000_000;
    let units = [
        (365 * 24 * 3600 * SECOND, "y"),
        (30 * 24 * 3600 * SECOND, "mo"),
        (24 * 3600 * SECOND, "d"),
        (3600 * SECOND, "h"),
        (60 * SECOND, "m"),
        (SECOND, "s"),
    ];
    let found = units.iter().find(|(unit, _)| size > *unit);
    Ok(found.map_or("0s".to_owned(), |(unit, name)| format!("{}{name}", size / unit)).into())
}

/// A date of TOML, with or without time and zone.
pub(super) fn of_toml(text: &str) -> Value {
    let text = text.replacen(['t', ' '], "T", 1);
    let layouts =
        ["2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02", "15:04:05.999999999"];
    let parsed = layouts.iter().find_map(|layout| Time::parse(layout, &text).ok());
    time_value(parsed.unwrap_or_else(Time::zero))
}
