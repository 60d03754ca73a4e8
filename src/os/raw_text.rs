//! Bytes of any kind as text in JSON, for serde: a character for each byte. So bytes that are mostly text
//! stay short.
//!
//! `#[serde(with = "raw_text")]`

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    serializer.serialize_str(&text)
}

/// # Errors
/// The deserializer's, and for a text with a character that stands for no byte.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = text.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>();
    bytes.map_err(|_| D::Error::custom("a character that stands for no byte"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "super")] Vec<u8>);

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = serde_json::to_string(&Bytes(bytes.clone())).expect("is written");
            let read: Bytes = serde_json::from_str(&text).expect("is read");
            prop_assert_eq!(read.0, bytes);
        }
    }

    #[test]
    fn what_stands_for_no_byte_is_refused() {
        assert!(serde_json::from_str::<Bytes>("\"\u{141}\"").is_err());
    }
}
