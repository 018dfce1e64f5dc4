//! Whole numbers as digits: there are some in every row of every file, and a formatter would cost more than the rest.

/// A number in decimal.
pub(crate) struct Decimal {
    digits: [u8; 20],
    begin: usize,
}

impl Decimal {
    pub(crate) fn of(number: impl Into<u64>) -> Self {
        let mut rest = number.into();
        let mut decimal = Self { digits: [b'0'; 20], begin: 20 };
        loop {
            decimal.begin -= 1;
            decimal.digits[decimal.begin] += u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            if rest == 0 {
                return decimal;
            }
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.digits[self.begin..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_whatever_their_length() {
        for number in [0, 7, 10, 999, 1_048_576, u64::MAX] {
            assert_eq!(Decimal::of(number).as_str(), number.to_string());
        }
    }
}
