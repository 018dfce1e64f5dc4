//! An IP address, or a range of them: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.

use std::net::IpAddr;
use std::str::FromStr;

/// An address and how many of its first bits count. A single address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    bits: u8,
}

/// A text that is no address range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address, or a range of them such as 10.0.0.0/8")]
pub struct ParseAddressRangeError;

impl FromStr for AddressRange {
    type Err = ParseAddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| ParseAddressRangeError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= most).ok_or(ParseAddressRangeError)?
            }
            Some(_) => return Err(ParseAddressRangeError),
        };
        Ok(Self { address, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ranges_are_parsed_or_refused() {
        let parse = |text: &str| text.parse::<AddressRange>();
        for text in ["192.0.2.7", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in
            ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "example.com", "10.0.0.0/8/8"]
        {
            assert_eq!(parse(text), Err(ParseAddressRangeError), "{text}");
        }
        assert_eq!(parse("192.0.2.7"), parse("192.0.2.7/32"));
        assert_eq!(parse("2001:DB8::"), parse("2001:db8:0::"));
    }
}
