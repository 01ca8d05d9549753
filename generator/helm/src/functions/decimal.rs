//! Decimal numbers of any length: Sprig's `addf` and its kin compute in decimals, so that 0.1 and 0.2 are 0.3.

use std::cmp::Ordering;

/// A number: digits, the first of which is no zero, times a power of ten.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decimal {
    negative: bool,
    /// The lowest digit stands first.
    digits: Vec<u8>,
    exponent: i64,
}

/// Longer numbers are not computed with.
const MAX_DIGITS: usize = 4_000;

/// So many digits of a quotient stand behind the point.
const DIVISION_DIGITS: i64 = 16;

impl Decimal {
    /// The shortest decimal that gives this float back; none for what is no number.
    pub(super) fn new(value: f64) -> Option<Decimal> {
        if !value.is_finite() {
            return None;
        }
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
        let digits = mantissa.bytes().rev().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        let exponent = exponent.parse::<i64>().ok()? - fraction;
        Some(Decimal { negative: value < 0.0, digits, exponent }.trimmed())
    }

    fn trimmed(mut self) -> Decimal {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.negative = false;
        }
        self
    }

    /// The nearest float.
    pub(super) fn to_f64(&self) -> f64 {
        if self.digits.is_empty() {
            return 0.0;
        }
        let digits: String = self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{digits}e{}", self.exponent).parse().unwrap_or(0.0)
    }

    /// The digits at a lower exponent.
    fn scaled(&self, exponent: i64) -> Option<Vec<u8>> {
        let zeros = usize::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        if self.digits.is_empty() {
            return Some(Vec::new());
        }
        if zeros + self.digits.len() > MAX_DIGITS {
            return None;
        }
        let mut digits = vec![0; zeros];
        digits.extend(&self.digits);
        Some(digits)
    }

    pub(super) fn add(&self, other: &Decimal) -> Option<Decimal> {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.scaled(exponent)?, other.scaled(exponent)?);
        let (negative, digits) = if self.negative == other.negative {
            (self.negative, sum(&a, &b))
        } else if compare(&a, &b) == Ordering::Less {
            (other.negative, difference(&b, &a))
        } else {
            (self.negative, difference(&a, &b))
        };
        Some(Decimal { negative, digits, exponent }.trimmed())
    }

    pub(super) fn subtract(&self, other: &Decimal) -> Option<Decimal> {
        let mut other = other.clone();
        other.negative = !other.negative && !other.digits.is_empty();
        self.add(&other)
    }

    pub(super) fn multiply(&self, other: &Decimal) -> Option<Decimal> {
        if self.digits.len() + other.digits.len() > MAX_DIGITS {
            return None;
        }
        let mut digits = vec![0u8; self.digits.len() + other.digits.len()];
        for (i, a) in self.digits.iter().enumerate() {
            let mut carry = 0u32;
            for (digit, b) in digits[i..].iter_mut().zip(other.digits.iter().chain(std::iter::repeat(&0))) {
                let value = u32::from(*digit) + u32::from(*a) * u32::from(*b) + carry;
                *digit = (value % 10) as u8;
                carry = value / 10;
            }
        }
        let negative = self.negative != other.negative;
        Some(Decimal { negative, digits, exponent: self.exponent + other.exponent }.trimmed())
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Sixteen digits behind the point, and half of the last is rounded away from zero.
    pub(super) fn divide(&self, other: &Decimal) -> Option<Decimal> {
        if other.is_zero() {
            return None;
        }
        // a·10^e / b·10^f, in units of 10^-16
        let shift = self.exponent - other.exponent + DIVISION_DIGITS;
        let zeros = |count: i64, digits: &[u8]| {
            let count = usize::try_from(count).ok().filter(|count| count + digits.len() <= MAX_DIGITS)?;
            Some([vec![0; count], digits.to_vec()].concat())
        };
        let (dividend, divisor) = if shift >= 0 {
            (zeros(shift, &self.digits)?, other.digits.clone())
        } else {
            (self.digits.clone(), zeros(-shift, &other.digits)?)
        };
        let (mut quotient, rest) = quotient(&dividend, &divisor);
        if compare(&sum(&rest, &rest), &divisor) != Ordering::Less {
            quotient = sum(&quotient, &[1]);
        }
        let negative = self.negative != other.negative;
        Some(Decimal { negative, digits: quotient, exponent: -DIVISION_DIGITS }.trimmed())
    }
}

fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| digits.iter().rposition(|digit| *digit != 0).map_or(0, |at| at + 1);
    let (x, y) = (significant(a), significant(b));
    x.cmp(&y).then_with(|| a[..x].iter().rev().cmp(b[..y].iter().rev()))
}

fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut digits = Vec::with_capacity(a.len().max(b.len()) + 1);
    for at in 0..a.len().max(b.len()) {
        let value = a.get(at).unwrap_or(&0) + b.get(at).unwrap_or(&0) + carry;
        digits.push(value % 10);
        carry = value / 10;
    }
    digits.push(carry);
    digits
}

/// Of a number and a smaller one.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    a.iter()
        .enumerate()
        .map(|(at, digit)| {
            let take = b.get(at).unwrap_or(&0) + borrow;
            borrow = u8::from(*digit < take);
            digit + 10 * borrow - take
        })
        .collect()
}

fn quotient(dividend: &[u8], divisor: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut digits = vec![0; dividend.len()];
    let mut rest: Vec<u8> = Vec::new();
    for at in (0..dividend.len()).rev() {
        rest.insert(0, dividend[at]);
        while compare(&rest, divisor) != Ordering::Less {
            rest = difference(&rest, divisor);
            digits[at] += 1;
        }
        while rest.last() == Some(&0) {
            rest.pop();
        }
    }
    (digits, rest)
}
